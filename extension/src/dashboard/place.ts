import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** The pages of an opened step. */
export type PageName = "outputs" | "inputs" | "error" | "attempts" | "why" | "history" | "code";

/** A step that somebody wants to see, opened. */
export interface Wanted {
  step: string;
  /** At which of its pages; empty for the one that it opens at by itself. */
  page: PageName | "";
  /** Another number is another wish, though it be for the same step. */
  number: number;
}

/** What can be done where the panel stands. Under a cell, where it is a widget, nothing of it can. */
export interface Place {
  /** Bring the cell of a step into sight. */
  reveal?: (step: string) => void;
  /** Open the panel where it has more room. */
  openWide?: () => void;
  /** Whether all that would execute can be run from here: at once, or after it is said what that is. */
  runStale?: "asks" | "at once";
  /** Make a step of the cell at which the person is. */
  makeStep?: () => void;
  /** The step at whose cell the person is; empty at none. */
  current?: string;
  wanted?: Wanted | null;
}

export const PlaceContext = createContext<Place>({});

export function usePlace(): Place {
  return useContext(PlaceContext);
}

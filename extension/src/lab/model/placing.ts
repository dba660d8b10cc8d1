/** Where something stands, in pixels from the window's upper left corner. */
export interface Box {
  top: number;
  bottom: number;
  left: number;
}

const GAP = 4;
const MARGIN = 8;

/**
 * Where a card stands that belongs to something: below it or above it, never on it, and within the window.
 *
 * It hangs from the edge that is next to what it belongs to, so that it grows away from it.
 *
 * @param anchor - What it belongs to.
 * @param width - How wide the card is.
 * @param room - The window.
 * @param isAbove - On which side it stands.
 */
export function placeOf(
  anchor: Box,
  width: number,
  room: { width: number; height: number },
  isAbove: boolean,
): Record<"left" | "top" | "bottom" | "maxHeight", string> {
  const left = Math.max(MARGIN, Math.min(anchor.left, room.width - width - MARGIN));
  const free = isAbove ? anchor.top : room.height - anchor.bottom;
  return {
    left: `${Math.round(left)}px`,
    top: isAbove ? "auto" : `${Math.round(anchor.bottom + GAP)}px`,
    bottom: isAbove ? `${Math.round(room.height - anchor.top + GAP)}px` : "auto",
    maxHeight: `${Math.round(Math.max(0, free - GAP - MARGIN))}px`,
  };
}

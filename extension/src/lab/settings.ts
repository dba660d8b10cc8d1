import type { ISettingRegistry } from "@jupyterlab/settingregistry";
import { Token } from "@lumino/coreutils";
import { type ISignal, Signal } from "@lumino/signaling";
import { DEFAULTS, type Options, optionsOf } from "./model/options";

/** Where the schema of the settings is. */
export const SETTINGS_ID = "durable-nb:plugin";

/** What a person has set, as it is now; the defaults where the app keeps no settings. */
export class Settings {
  private now: Options = DEFAULTS;
  private readonly signal = new Signal<this, void>(this);

  /** After each change of any of them. */
  get changed(): ISignal<this, void> {
    return this.signal;
  }

  get options(): Readonly<Options> {
    return this.now;
  }

  /** Take what is set from a registry, and follow it. */
  follow(kept: ISettingRegistry.ISettings): void {
    const take = (): void => {
      this.now = optionsOf(kept.composite);
      this.signal.emit();
    };
    kept.changed.connect(take);
    take();
  }
}

export const ISettings = new Token<Settings>("durable-nb:ISettings", "What is set for durable_nb.");

import type { CommsOverSubshells, Kernel, KernelMessage } from "@jupyterlab/services";
import { UUID, type JSONObject } from "@lumino/coreutils";
import { CHANNEL } from "./model/wire";

const FEATURE = "kernel subshells";

/**
 * A way to ask a kernel, also while a cell runs in it: a comm of the front end's on a subshell.
 *
 * The messages are made by hand. A comm of JupyterLab's gets a subshell only after the kernel has told about itself,
 * which one does not do while a cell runs: a page that was loaded anew meanwhile could ask nothing.
 */
export class Control {
  private readonly comm: Kernel.IComm;
  private subshell: string | null = null;
  private isOpen = false;

  /**
   * @param kernel - The kernel.
   * @param client - Who asks.
   * @param closed - Called when the kernel closes it.
   */
  constructor(
    private readonly kernel: Kernel.IKernelConnection,
    private readonly client: string,
    closed: () => void,
  ) {
    this.comm = kernel.createComm(CHANNEL);
    this.comm.commsOverSubshells = "disabled" as CommsOverSubshells; // the enumeration is not there in JupyterLab 4.2
    this.comm.onClose = () => {
      this.isOpen = false;
      closed();
    };
  }

  /** Open it. */
  async open(): Promise<void> {
    this.subshell = await subshellOf(this.kernel);
    this.post("comm_open", { target_name: CHANNEL, data: { client: this.client } });
    this.isOpen = true;
  }

  /** Send something to the kernel. */
  send(data: JSONObject): void {
    this.post("comm_msg", { data });
  }

  /** Close it, and its subshell; of a kernel that is gone there is nothing to close. */
  close(): void {
    const { kernel } = this;
    if (!kernel.isDisposed && kernel.status !== "dead" && kernel.status !== "restarting") {
      if (this.isOpen) {
        this.post("comm_close", { data: {} });
      }
      if (this.subshell !== null) {
        // A kernel that ends before it answers has no subshells either.
        ask(kernel, "delete_subshell_request", { subshell_id: this.subshell }).catch(() => undefined);
      }
    }
    this.isOpen = false;
    this.subshell = null;
    this.comm.dispose();
  }

  private post(kind: "comm_open" | "comm_msg" | "comm_close", content: JSONObject): void {
    const message = messageTo(this.kernel, "shell", kind, { ...content, comm_id: this.comm.commId }, this.subshell);
    this.kernel.sendShellMessage(message as unknown as KernelMessage.IShellMessage, false, true);
  }
}

/** A subshell of a kernel; null where it has none. */
async function subshellOf(kernel: Kernel.IKernelConnection): Promise<string | null> {
  const about = await Promise.race([kernel.info, ask(kernel, "kernel_info_request", {})]);
  const features = (about as { supported_features?: unknown }).supported_features;
  if (!Array.isArray(features) || !features.includes(FEATURE)) {
    return null;
  }
  const { subshell_id: found } = (await ask(kernel, "create_subshell_request", {})) as { subshell_id?: unknown };
  return typeof found === "string" ? found : null;
}

/** Ask a kernel on the channel that it listens to also while a cell runs. */
async function ask(kernel: Kernel.IKernelConnection, kind: string, content: JSONObject): Promise<unknown> {
  const message = messageTo(kernel, "control", kind, content, null) as unknown as KernelMessage.IControlMessage;
  return (await kernel.sendControlMessage(message, true, true).done).content;
}

/** A message in the form of the protocol; JupyterLab 4.2 knows no subshells, but passes on what stands in a header. */
function messageTo(
  kernel: Kernel.IKernelConnection,
  channel: "shell" | "control",
  kind: string,
  content: JSONObject,
  subshell: string | null,
): object {
  const header = {
    date: new Date().toISOString(),
    msg_id: UUID.uuid4(),
    msg_type: kind,
    session: kernel.clientId,
    username: kernel.username,
    subshell_id: subshell,
    version: "5.2",
  };
  return { channel, header, content, buffers: [], metadata: {}, parent_header: {} };
}

import { mount } from "./components/dashboard";
import { followTheme } from "./theme";
import { WidgetConnection, type WidgetModel } from "./widget";

/** anywidget calls this for each place in which the panel is shown. */
function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  const connection = new WidgetConnection(model);
  const root = document.createElement("div");
  root.className = "durable-nb";
  el.append(root);
  const unfollow = followTheme(root);
  const unmount = mount(root, connection);
  return () => {
    unmount();
    unfollow();
    connection.close();
    root.remove();
  };
}

export default { render };

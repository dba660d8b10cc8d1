import { mount } from "../src/dashboard/components/dashboard";
import { followTheme } from "../src/dashboard/theme";
import { SampleConnection } from "./sample_connection";
import { story } from "./stories";

const asked = new URLSearchParams(location.search);
const root = document.getElementById("root");
if (root !== null) {
  followTheme(root);
  mount(root, new SampleConnection(story(asked.get("story") ?? "flights")));
}

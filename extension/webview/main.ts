/** Entry of the webview: defining the panel is all it takes. */
import "./panel";

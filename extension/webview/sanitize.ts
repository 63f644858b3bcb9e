/** The single door between generated HTML and the page. Styles, forms, frames, handlers and foreign addresses do not pass. */
import DOMPurify from "dompurify";

const allowed = {
  ALLOWED_TAGS: [
    ..."a b blockquote br code del div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strong sub sup table tbody td th thead tr ul".split(
      " ",
    ),
  ],
  ALLOWED_ATTR: ["href", "title", "data-file", "src", "alt", "class", "align", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|#|data:image\/(?:png|jpeg|gif|webp);)/i,
  ADD_URI_SAFE_ATTR: ["data-file", "align", "start"],
  ALLOW_DATA_ATTR: false,
};

export function sanitized(html: string): string {
  return DOMPurify.sanitize(html, allowed);
}

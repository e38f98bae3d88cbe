/*
 * The token that every POST carries. It stands in the page (hx-headers of the
 * body, and a hidden field of each form) and ends with the sign-in: somebody who
 * signed in again in another tab needs a new one, or all that this page still
 * holds could not be saved.
 */

const ATTRIBUTE = "hx-headers:inherited";
const HEADER = "X-CSRFToken";

function tokenOf(body) {
  try {
    return JSON.parse(body.getAttribute(ATTRIBUTE) ?? "{}")[HEADER] ?? "";
  } catch {
    return "";
  }
}

export function csrfToken() {
  return tokenOf(document.body);
}

/* Take the token from a fresh copy of this page. False when there is none: still signed out, or no network. */
export async function renewCsrfToken() {
  try {
    const response = await fetch(location.href, { credentials: "same-origin", redirect: "manual", cache: "no-store" });
    if (!response.ok) return false;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const token = tokenOf(page.body);
    if (!token) return false;
    document.body.setAttribute(ATTRIBUTE, JSON.stringify({ [HEADER]: token }));
    for (const input of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) input.value = token;
    return true;
  } catch {
    return false;
  }
}

"use strict";
// Drawing boxes are loaded when they are opened, each in a frame that can do nothing but draw.
document.querySelectorAll("details.draw").forEach(function (details) {
  const field = document.getElementById(details.dataset.field);
  let frame = null;
  details.addEventListener("toggle", function () {
    if (!details.open || frame !== null) return;
    frame = document.createElement("iframe");
    frame.title = details.dataset.title;
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin");
    frame.src = "/draw";
    details.querySelector(".box").append(frame);
  });
  window.addEventListener("message", function (event) {
    if (frame === null || event.source !== frame.contentWindow || event.origin !== window.location.origin || !event.data) return;
    // What came with an address from elsewhere is handed on only if it is a structure.
    const plain = /^[\w@+\-[\]()=#$%.\/\\:*~!&,;]*$/.test(field.value);
    if (event.data.ildb === "ready" && plain) frame.contentWindow.postMessage({ ildb: "show", smiles: field.value }, window.location.origin);
    if (event.data.ildb === "drawn" && typeof event.data.smiles === "string") field.value = event.data.smiles;
  });
});

// An address that is to be sent to somebody names only what was asked.
document.querySelectorAll("form[role=search]").forEach(function (form) {
  form.addEventListener("submit", function () {
    form.querySelectorAll("input,select").forEach(function (field) {
      const unset = field.tagName === "SELECT" ? field.selectedIndex <= 0 : field.value.trim() === "";
      if (unset) field.disabled = true;
    });
  });
});
window.addEventListener("pageshow", function () {
  document.querySelectorAll("form[role=search] :disabled").forEach(function (field) { field.disabled = false; });
});

// After a refused form, the first field that is wrong.
const wrong = document.querySelector("[aria-invalid=true]");
if (wrong) wrong.focus();

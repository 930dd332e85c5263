"use strict";
// Drawing boxes are loaded when they are opened, each in a frame without an origin of its own.
document.querySelectorAll("details.draw").forEach(function (details) {
  const field = document.getElementById(details.dataset.field);
  let frame = null;
  details.addEventListener("toggle", function () {
    if (!details.open || frame !== null) return;
    frame = document.createElement("iframe");
    frame.title = details.dataset.title;
    frame.setAttribute("sandbox", "allow-scripts");
    frame.src = "/draw";
    details.querySelector(".box").append(frame);
  });
  window.addEventListener("message", function (event) {
    if (frame === null || event.source !== frame.contentWindow || !event.data) return;
    if (event.data.ildb === "ready") frame.contentWindow.postMessage({ ildb: "show", smiles: field.value }, "*");
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

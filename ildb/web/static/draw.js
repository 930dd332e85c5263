"use strict";
// The drawing box says what is drawn to the page around it, and draws what that page says.
let editor = null;
let waiting = null;

function show(smiles) {
  if (editor === null) { waiting = smiles; return; }
  if (smiles) editor.readGenericMolecularInput(smiles, false);
}

function jsmeOnLoad() {
  editor = new JSApplet.JSME("box", "100%", "100%", { options: "newlook,nostar,nosearchinchiKey,noreaction,nopaste" });
  editor.setCallBack("AfterStructureModified", function (event) {
    window.parent.postMessage({ ildb: "drawn", smiles: event.src.smiles() }, window.location.origin);
  });
  if (waiting !== null) show(waiting);
  document.body.dataset.ready = "yes";
  window.parent.postMessage({ ildb: "ready" }, window.location.origin);
}

window.jsmeOnLoad = jsmeOnLoad;
window.addEventListener("message", function (event) {
  if (event.source === window.parent && event.data && event.data.ildb === "show") show(event.data.smiles);
});

// The page around the verifier: a file is dropped, its report is shown. Nothing leaves the page; its policy forbids it.
import { reportText, verify } from "../index.ts";

/** @param {string} id */
const element = (id) => document.getElementById(id);

/** A key as it is, or one a line. @param {string} id */
const keysIn = (id) => {
  const text = element(id).value;
  if (text.includes("-----BEGIN")) return [text];
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
};

/** Chunk by chunk, so that a large file needs no memory of its size. @param {Blob} file */
async function* chunksOf(file) {
  const reader = file.stream().getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) yield value;
}

/** @param {string} verdict @param {string} text */
function show(verdict, text) {
  element("verdict").textContent = verdict;
  element("verdict").dataset.verdict = verdict;
  element("report").textContent = text;
}

/** @param {Blob} file */
async function judge(file) {
  show("reading", "");
  const known = element("known").files[0];
  const quorum = element("quorum").value;
  try {
    const report = await verify(chunksOf(file), {
      keys: keysIn("keys"),
      witnesses: keysIn("witnesses"),
      ...(quorum === "" ? {} : { quorum: Number(quorum) }),
      ...(known === undefined ? {} : { known: new Uint8Array(await known.arrayBuffer()) }),
      nowSec: Math.floor(Date.now() / 1000),
    });
    show(report.verdict, reportText(report));
  } catch (error) {
    // This browser has no Ed25519, or the file could not be read: nothing was judged.
    show("not judged", String(error));
  }
}

const drop = element("drop");
drop.addEventListener("dragover", (event) => event.preventDefault());
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file !== undefined) void judge(file);
});
element("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file !== undefined) void judge(file);
});

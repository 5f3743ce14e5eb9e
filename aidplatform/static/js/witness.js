// Hashes a witness's words here, in the browser: only the hash is sent, so that nobody knows the words before the draw.
const target = document.querySelector("input[data-sha256]");
const maker = document.querySelector("[data-witness]");

if (target && maker && window.crypto?.subtle) {
  const words = maker.querySelector("input");
  maker.hidden = false;
  words.addEventListener("input", async () => {
    const told = words.value.trim().normalize("NFC");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(told));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    target.value = told.length >= 12 ? hex : "";
  });
}

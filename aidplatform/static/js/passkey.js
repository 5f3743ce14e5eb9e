// Says so on the page when the browser or the person breaks a passkey's ceremony off.

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey_trouble").hidden = false;
});

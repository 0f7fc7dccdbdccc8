document.addEventListener("click", function (event) {
  var link = event.target.closest("a[data-at]"), player = document.querySelector("audio");
  if (!link || !player) return;
  event.preventDefault();
  function go() { player.currentTime = Number(link.dataset.at); player.play(); }
  if (player.readyState) go();
  else { player.addEventListener("loadedmetadata", go, { once: true }); player.load(); }
});

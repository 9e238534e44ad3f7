// The whole script of these pages. All of them work without it.

// The form of a form_post response is sent at once.
document.querySelector("form[data-send]")?.submit();

// A button that gives something away takes a press only when it was there to be read
// for a moment: not the second half of a double click that was meant for a window which
// lay above it. Whoever presses a key has to have been on the page as long; that the
// button came into sight by going to it with Tab does not count against them.
const moment = 500; // milliseconds
for (const button of document.querySelectorAll("button[data-unhurried]")) {
  let page, sight, timer; // since when there is the page, and since when the button is in sight
  const look = () => {
    clearTimeout(timer);
    delete button.dataset.live;
    if (sight === undefined) return;
    timer = setTimeout(() => { button.dataset.live = ""; }, moment - performance.now() + Math.max(page, sight));
  };
  const begin = () => { page = performance.now(); look(); };
  begin();
  addEventListener("focus", begin);
  addEventListener("pageshow", begin);
  document.addEventListener("visibilitychange", begin);
  new IntersectionObserver(seen => {
    sight = seen.at(-1).isIntersecting ? performance.now() : undefined;
    look();
  }).observe(button);
  button.addEventListener("click", press => {
    const since = press.detail > 0 ? Math.max(page, sight ?? Infinity) : page;
    if (press.timeStamp - since < moment) press.preventDefault();
  });
}

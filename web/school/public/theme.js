// Before anything is painted: the theme that was chosen, so that the page does not flash in the other one.
const theme = localStorage.getItem("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

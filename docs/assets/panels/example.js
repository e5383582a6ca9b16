export default async (place, source) => {
  const { values } = await (await fetch(source)).json();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "md-button";
  const show = (at) => { button.textContent = `${at} squared is ${values[at]}`; };
  let at = 0;
  button.addEventListener("click", () => show((at = (at + 1) % values.length)));
  show(at);
  place.append(button); // the table stays above it
};

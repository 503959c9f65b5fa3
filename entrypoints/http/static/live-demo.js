// The page: what is typed goes to the live channel, and what comes from there is shown. Whatever members have written
// becomes text, never HTML.

import { Account, Live, register } from "./live-client.js";

const MOST_LINES = 500; // in one list
const MOST_ROOMS = 100;

const $ = (id) => document.getElementById(id);

let account = null;
let live = null;
let me = null;
const panels = new Map(); // of the rooms one is in, by name

const nameOf = (person) => person?.full_name || person?.username || "somebody";
const timeOf = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Adds a line, and stays at the end if the reader was there.
function addLine(list, ...children) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
  list.append(element("li", {}, ...children));
  while (list.children.length > MOST_LINES) list.firstElementChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function tellProblem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

// Does it, and tells what went wrong; its button is off meanwhile.
async function attempt(work, button) {
  tellProblem("");
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    tellProblem(error.message || "This did not work.");
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

function onSubmit(id, work) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    attempt(() => work(Object.fromEntries(new FormData(form)), form), event.submitter);
  });
}

const onClick = (id, work) => $(id).addEventListener("click", (event) => attempt(work, event.target));

// One room that one is in.
class Panel {
  #here = new Map();
  #count = 0;

  constructor(room) {
    this.room = room;
    this.section = $("room").content.cloneNode(true).firstElementChild;
    this.text = this.section.querySelector("textarea");
    this.said = this.section.querySelector(".said");
    const heading = this.section.querySelector("h2");
    heading.textContent = room;
    heading.id = `heading-${room}`;
    this.section.setAttribute("aria-labelledby", heading.id);
    this.said.setAttribute("aria-label", `Said in ${room}`);
    const form = this.section.querySelector("form");
    this.button = form.querySelector("button");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.say();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.section.querySelector(".leave").addEventListener("click", () => {
      live.leave(room);
      this.remove();
      $("rooms").querySelector(`[data-room="${room}"]`)?.focus();
    });
  }

  remove() {
    this.section.remove();
    panels.delete(this.room);
    markRooms();
  }

  // The text stays in its box until it comes back: then it was said, once.
  say() {
    tellProblem("");
    if (this.button.disabled) return;
    if (live.say(this.room, this.text.value)) this.button.disabled = true;
    else tellProblem("There is no connection; say it when there is one again.");
  }

  mayGoOn() {
    this.button.disabled = false;
  }

  hear(message) {
    this.#show(message);
    if (message.from.id !== me.id) return;
    this.mayGoOn();
    if (message.text === this.text.value) this.text.value = "";
  }

  // `messages` is empty where one comes back and is told one by one what was missed.
  enter({ here, count, messages }) {
    this.come(here, count);
    if (messages.length > 0) this.said.replaceChildren();
    for (const message of messages) this.#show(message);
  }

  come(here, count) {
    this.#here = new Map(here.map((person) => [person.id, person]));
    this.#tellWhoIsHere(count);
  }

  move(type, user, count) {
    if (type === "joined") this.#here.set(user.id, user);
    else this.#here.delete(user.id);
    addLine(this.said, element("span", { class: "note", text: `${nameOf(user)} ${type === "joined" ? "came." : "left."}` }));
    this.#tellWhoIsHere(count);
  }

  #show({ from, text, at }) {
    addLine(
      this.said,
      element("span", { class: "who", text: nameOf(from) }), " ", element("time", { datetime: at, text: timeOf(at) }),
      element("div", { class: "text", text }),
    );
  }

  #tellWhoIsHere(count) {
    const names = [...this.#here.values()].map(nameOf).sort().join(", ");
    this.section.querySelector(".here").textContent = `Here (${count}): ${names}`;
  }
}

function join(room) {
  if (!panels.has(room)) {
    panels.set(room, new Panel(room));
    $("joined").append(panels.get(room).section);
    live.join(room);
    markRooms();
  }
  panels.get(room).text.focus();
}

function markRooms() {
  for (const button of $("rooms").querySelectorAll("button")) button.disabled = panels.has(button.dataset.room);
}

async function listRooms() {
  const { items } = await account.ask("GET", `/rooms?page_size=${MOST_ROOMS}`);
  $("rooms").replaceChildren(...items.map(({ name, title }) => {
    const button = element("button", { type: "button", "data-room": name, "aria-label": `Join ${name}`, text: "Join" });
    button.addEventListener("click", () => join(name));
    return element("li", {}, button, ` ${title} `, element("span", { class: "note", text: name }));
  }));
  if (items.length === 0) $("rooms").append(element("li", { text: "There is no room yet; an administrator makes one." }));
  markRooms();
}

function showNotification({ title, body, created_at: at }) {
  addLine(
    $("notifications"),
    element("span", { class: "who", text: title }), " ", element("time", { datetime: at, text: timeOf(at) }),
    element("div", { class: "text", text: body }),
  );
}

function showJob({ id, kind, status, progress, error }) {
  const { done, total } = progress;
  const parts = total === null ? `${done} done` : `${done} of ${total}`;
  const line = element("li", { id: `job-${id}`, text: `${kind}: ${status}, ${parts}${error ? `. ${error}` : ""}` });
  if (status === "queued" || status === "running") {
    const bar = element("progress", { "aria-label": kind });
    if (total !== null) [bar.max, bar.value] = [Math.max(total, 1), done];
    line.append(bar);
  }
  const before = $(line.id);
  if (before) before.replaceWith(line);
  else $("jobs").append(line);
}

function hear(message) {
  const { type, room, unread, user } = message;
  const panel = panels.get(room);
  if (unread !== undefined) $("unread").textContent = unread;
  switch (type) {
    case "ready":
      me = user;
      $("me").textContent = nameOf(user);
      break;
    case "notification":
      showNotification(message);
      break;
    case "job":
      showJob(message);
      break;
    case "joined":
      if (message.here) panel?.enter(message);
      else panel?.move(type, user, message.count);
      break;
    case "left":
      if (message.code) {
        panel?.remove();
        tellProblem(`${room}: ${message.detail ?? "this room is closed."}`);
      } else if (message.count !== undefined) panel?.move(type, user, message.count);
      break;
    case "here":
      panel?.come(message.here, message.count);
      break;
    case "message":
      panel?.hear(message);
      break;
    case "error":
      tellProblem(message.room ? `${room}: ${message.detail}` : message.detail);
      if (message.about === "join" && !message.retry_after) panel?.remove();
      if (message.about === "say") panel?.mayGoOn();
      break;
  }
}

function changed(state, why, pause) {
  const words = {
    connecting: "Connecting…",
    connected: "Connected.",
    waiting: `Not connected: ${why}. Trying again in ${Math.ceil(pause / 1000)} s.`,
    ended: why,
    "signed-out": "Nobody is signed in.",
  };
  $("state").textContent = words[state];
  $("state").dataset.state = state;
  $("at-once").hidden = state !== "waiting";
  for (const panel of panels.values()) panel.mayGoOn();
  if (state === "ended") comeOut();
}

async function comeIn(username, password) {
  account = await Account.signIn(username, password);
  const { is_superuser: isSuperuser, roles } = await account.ask("GET", "/users/me");
  $("new-room").hidden = !isSuperuser && !roles.includes("admin");
  $("entrance").hidden = true;
  $("inside").hidden = false;
  live = new Live(account, { told: hear, changed });
  live.connect();
}

function comeOut() {
  live.close();
  account = live = me = null;
  panels.clear();
  for (const id of ["joined", "rooms", "notifications", "jobs"]) $(id).replaceChildren();
  $("inside").hidden = true;
  $("entrance").hidden = false;
  $("sign-in").elements.username.focus();
}

onSubmit("sign-in", async ({ username, password }, form) => {
  await comeIn(username, password);
  form.reset();
  await listRooms();
});

onSubmit("register", async (member, form) => {
  await register(member);
  await comeIn(member.username, member.password);
  form.reset();
  await listRooms();
});

onSubmit("make-room", async ({ name, title }, form) => {
  await account.ask("POST", "/rooms", { name, title });
  form.reset();
  await listRooms();
});

onClick("list-rooms", listRooms);
onClick("read-all", () => account.ask("POST", "/notifications/read-all"));
onClick("at-once", () => live.connect());
onClick("sign-out", async () => {
  const leaving = account;
  comeOut();
  changed("signed-out");
  await leaving.ask("POST", "/auth/logout");
});

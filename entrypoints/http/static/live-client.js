// Who is signed in, and their live connection: docs/live.md in a browser. It knows nothing of the page.

const API = "/api/v1";

const PROTOCOL_ERROR = 1008;
const SIGNED_OUT = 4401;
const FIRST_PAUSE = 1_000; // milliseconds, as all here; doubled with each failure in a row
const LONGEST_PAUSE = 15_000;
const STEADY_AFTER = 10_000; // a connection that lasted so long was no failure
const ASK_EVERY = 20_000; // whether the server is still there: browsers do not tell when a network falls silent

const WHY = {
  1009: "a message was too long",
  1011: "the server heard nothing of us",
  1012: "the server restarts",
  1013: "too much came at once, or a part of the server is away",
  4403: "you may do less than before",
};

// What the API refused, as it says so itself (RFC 9457).
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super([problem.detail, ...(problem.errors ?? []).map((each) => each.detail)].filter(Boolean).join(" "));
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function ask(method, path, { token, json, form } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (json) headers["Content-Type"] = "application/json";
  const body = json ? JSON.stringify(json) : form && new URLSearchParams(form);
  const answer = await fetch(API + path, { method, headers, body });
  if (answer.status === 204) return null;
  const content = await answer.json().catch(() => ({ detail: `The server answered ${answer.status}.` }));
  if (answer.ok) return content;
  throw new Refused(answer.status, content, Number(answer.headers.get("Retry-After")) * 1_000 || 0);
}

export const register = (member) => ask("POST", "/auth/register", { json: member });

// Somebody who is signed in. Their tokens are kept here and nowhere else: they go with the page.
export class Account {
  #tokens;
  #renewal = null;

  constructor(tokens) {
    this.#tokens = tokens;
  }

  static async signIn(username, password) {
    return new Account(await ask("POST", "/auth/login", { form: { username, password } }));
  }

  // Asks with the access token, and with a new one where it is over. Throws Refused, of 401 when the session is over.
  async ask(method, path, json) {
    const token = this.#tokens.access_token;
    try {
      return await ask(method, path, { token, json });
    } catch (error) {
      if (error.status !== 401) throw error;
      if (token === this.#tokens.access_token) await this.#renew();
      return ask(method, path, { token: this.#tokens.access_token, json });
    }
  }

  // Once, however many ask at the same time: a refresh token is spent by its use.
  #renew() {
    this.#renewal ??= ask("POST", "/auth/refresh", { json: { refresh_token: this.#tokens.refresh_token } })
      .then((tokens) => { this.#tokens = tokens; })
      .finally(() => { this.#renewal = null; });
    return this.#renewal;
  }
}

// A connection that comes back by itself. It keeps the last cursor of the inbox and of each room, and goes on from there.
//
// `told` gets each message, and `changed` what has become of the connection: "connecting", "connected", "waiting" (with
// why, and for how many milliseconds) or "ended" (with why: it does not come back).
export class Live {
  #account;
  #told;
  #changed;
  #socket = null;
  #timer = null;
  #asking = null;
  #failures = 0;
  #readyAt = null;
  #isTrying = false;
  #isOver = false;
  #isAnswered = true;
  #seen; // the cursor of the inbox
  #rooms = new Map(); // those to be in, by name, with their cursors

  constructor(account, { told, changed }) {
    this.#account = account;
    this.#told = told;
    this.#changed = changed;
  }

  async connect() {
    clearTimeout(this.#timer);
    if (this.#isOver || this.#isTrying || this.#socket) return;
    this.#changed("connecting");
    this.#isTrying = true;
    try {
      const { ticket } = await this.#account.ask("POST", "/live/tickets");
      if (!this.#isOver) this.#open(ticket);
    } catch (error) {
      if (error.status === 401) this.#end("The session has ended; sign in again.");
      else if (error.status === 403) this.#end(error.message);
      else this.#wait("the server does not answer", error.retryAfter);
    } finally {
      this.#isTrying = false;
    }
  }

  #open(ticket) {
    const address = new URL(`${API}/live`, location.href.replace(/^http/, "ws"));
    address.searchParams.set("ticket", ticket);
    if (this.#seen) address.searchParams.set("since", this.#seen);
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onmessage = (event) => this.#hear(JSON.parse(event.data));
    socket.onclose = (event) => this.#lose(event.code, event.reason);
  }

  // For good.
  close() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#drop()?.close();
  }

  join(room) {
    if (!this.#rooms.has(room)) this.#rooms.set(room, undefined);
    this.#rejoin(room);
  }

  leave(room) {
    this.#rooms.delete(room);
    this.#send({ type: "leave", room });
  }

  // Whether it could be sent; whether it was said, the message itself tells when it comes.
  say(room, text) {
    return this.#send({ type: "say", room, text });
  }

  #rejoin(room) {
    const since = this.#rooms.get(room);
    if (this.#rooms.has(room)) this.#send({ type: "join", room, ...(since && { since }) });
  }

  #send(message) {
    if (this.#readyAt === null || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #hear(message) {
    this.#isAnswered = true;
    switch (message.type) {
      case "ready":
        this.#seen = message.cursor;
        this.#readyAt = performance.now();
        this.#asking = setInterval(() => this.#askWhetherThere(), ASK_EVERY);
        this.#changed("connected");
        for (const room of this.#rooms.keys()) this.#rejoin(room);
        break;
      case "notification":
        this.#seen = message.cursor;
        break;
      case "joined":
      case "message":
        if (message.cursor && this.#rooms.has(message.room)) this.#rooms.set(message.room, message.cursor);
        break;
      case "left":
        if (message.code) this.#rooms.delete(message.room);
        break;
      case "error":
        if (message.about !== "join") break;
        if (message.retry_after) setTimeout(() => this.#rejoin(message.room), message.retry_after * 1_000);
        else this.#rooms.delete(message.room);
        break;
    }
    this.#told(message);
  }

  #askWhetherThere() {
    if (!this.#isAnswered) {
      const socket = this.#socket;
      this.#lose(); // before it is closed: where the network is silent, that takes minutes
      socket.close();
      return;
    }
    this.#isAnswered = false;
    this.#send({ type: "ping" });
  }

  #lose(code, reason) {
    const lasted = this.#readyAt === null ? 0 : performance.now() - this.#readyAt;
    if (lasted > STEADY_AFTER) this.#failures = 0;
    this.#drop();
    if (code === SIGNED_OUT) this.#end("You were signed out: the session has ended. Sign in again.");
    else if (code === PROTOCOL_ERROR) this.#end(`The server does not understand this page: ${reason}.`);
    else this.#wait(WHY[code] ?? "the connection was lost");
  }

  // A random part of a pause that becomes longer: those that were put out together shall not come back together.
  #wait(why, atLeast = 0) {
    if (this.#isOver) return;
    const longest = Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    const pause = atLeast + Math.random() * longest;
    this.#failures += 1;
    this.#timer = setTimeout(() => this.connect(), pause);
    this.#changed("waiting", why, pause);
  }

  #end(why) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#changed("ended", why);
  }

  #drop() {
    const socket = this.#socket;
    clearInterval(this.#asking);
    this.#isAnswered = true;
    this.#socket = this.#readyAt = null;
    if (socket) socket.onmessage = socket.onclose = null;
    return socket;
  }
}

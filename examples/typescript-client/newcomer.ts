// What a newcomer does, with openapi-fetch and the types that openapi-typescript generates: URL PICTURE SKU

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];

const EMAIL = "ada@example.com";
const PASSWORD = "violet-anchor-42-lamp";

const [url, picture, sku] = process.argv.slice(2);
if (!url || !picture || !sku) throw new Error("URL PICTURE SKU");

const strangers = createClient<paths>({ baseUrl: url });

/** Programs go by `code`; one that is misspelt is not compiled. */
function is(problem: Schemas["Problem"] | undefined, code: Schemas["ProblemCode"]): problem is Schemas["Problem"] {
  return problem?.code === code;
}

/** The data, or the problem as an exception. */
function good<Data, Problem>(answer: { data?: Data; error?: Problem }): NonNullable<Data> {
  if (!answer.data) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const AS_A_FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const registration = { email: EMAIL, password: PASSWORD, username: "ada" };

const user = good(await strangers.POST("/api/v1/auth/register", { body: registration }));
console.log("member:", user.username);

const taken = await strangers.POST("/api/v1/auth/register", { body: { email: EMAIL, password: PASSWORD } });
if (is(taken.error, "email-taken")) console.log("refused:", taken.error.status, "there is such a member already");
const invalid = await strangers.POST("/api/v1/auth/register", { body: { ...registration, email: "ada" } });
if (is(invalid.error, "bad-email")) {
  console.log("refused:", invalid.error.status, invalid.error.errors?.map((item) => item.pointer));
}

const signedIn = good(
  await strangers.POST("/api/v1/auth/login", {
    body: { username: EMAIL, password: PASSWORD },
    headers: AS_A_FORM,
  }),
);
const tokens = good(
  await strangers.POST("/api/v1/auth/refresh", { body: { refresh_token: signedIn.refresh_token } }),
);
const member = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${tokens.access_token}` } });

/** Twice under one key, as after a lost answer: there is one post. Tells its version, too. */
async function write(title: string) {
  const request = {
    params: { header: { "idempotency-key": randomUUID() } },
    body: { title, content: "They dance.", is_published: true },
  };
  const first = await member.POST("/api/v1/posts", request);
  const again = good(await member.POST("/api/v1/posts", request));
  const post = good(first);
  console.log("written:", post.title, again.id === post.id ? "(once)" : "(twice)");
  return { post, etag: first.response.headers.get("ETag") ?? "" };
}

await write("On sheep");
await write("On votes");
const { post, etag } = await write("On beez");

// Only what is sent changes; and of two who change the same version the second one is told so.
const change = { path: { post_id: post.id }, header: { "if-match": etag } };
const changed = good(await member.PATCH("/api/v1/posts/{post_id}", { params: change, body: { title: "On bees" } }));
console.log("changed:", changed.title, "-", changed.content, changed.is_published ? "published" : "draft");
const late = await member.PATCH("/api/v1/posts/{post_id}", { params: change, body: { title: "On wasps" } });
if (is(late.error, "stale-version")) console.log("stale:", late.error.status);

// Page by page, to the end; an empty cursor begins without counting.
let cursor: string | null = "";
while (cursor !== null) {
  const page: Schemas["PostPage"] = good(
    await member.GET("/api/v1/users/{user_id}/posts", {
      params: { path: { user_id: user.id }, query: { page_size: 2, cursor } },
    }),
  );
  console.log("page:", page.items.map((item) => item.title).join(", "));
  cursor = page.next_cursor;
}

// In OpenAPI a file is a string; what is sent is the form that the serializer makes of it.
const image = new Blob([await readFile(picture)]);
const profile = good(
  await member.PUT("/api/v1/users/me/avatar", {
    body: { file: picture },
    bodySerializer: ({ file }) => {
      const upload = new FormData();
      upload.set("file", image, file);
      return upload;
    },
  }),
);
console.log("picture:", profile.avatar_url);

const order = good(
  await member.POST("/api/v1/orders", {
    params: { header: { "idempotency-key": randomUUID() } },
    body: { lines: [{ sku, quantity: 2 }] },
  }),
);
console.log("ordered:", order.total, order.currency, order.status);

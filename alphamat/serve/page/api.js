/** Requests to the service. What goes wrong becomes an `ApiError` with a sentence. */

const BASE = "/api/v1";

export class ApiError extends Error {
  constructor(message, status = 0, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let token = sessionStorage.getItem("token") ?? "";
let asked = null; // one question at a time, however many requests are refused
let ask = async () => "";

/** Set the function that asks the person for the token, and returns it, or "" if there is none. */
export function askForTokenBy(question) {
  ask = question;
}

async function request(path, options = {}) {
  const sent = token;
  const headers = new Headers(options.headers);
  if (sent) headers.set("Authorization", `Bearer ${sent}`);
  let response;
  try {
    response = await fetch(BASE + path, { ...options, headers, cache: "no-store" });
  } catch {
    throw new ApiError("The server does not answer. Is it still running?");
  }
  if (response.status === 401 && (token !== sent || (await newToken(sent !== "")))) {
    return request(path, options);
  }
  if (!response.ok) throw await fault(response);
  return response;
}

async function newToken(refused) {
  asked ??= ask(refused);
  token = await asked;
  asked = null;
  sessionStorage.setItem("token", token);
  return token !== "";
}

async function fault(response) {
  let sentence = "";
  try {
    sentence = (await response.json()).error;
  } catch {
    // It is no JSON: a proxy's answer, say.
  }
  const told = sentence || `The server answered with the status ${response.status}.`;
  return new ApiError(told, response.status, Number(response.headers.get("Retry-After")) || 0);
}

function form(files, options) {
  const body = new FormData();
  for (const [name, file] of Object.entries(files)) body.append(name, file);
  body.append("options", JSON.stringify(options));
  return body;
}

/** @returns {Promise<object>} the facts of the new job */
export async function createJob(picture, options) {
  return (await request("/jobs", { method: "POST", body: form({ picture }, options) })).json();
}

export async function getJob(id) {
  return (await request(`/jobs/${id}`)).json();
}

export async function deleteJob(id) {
  await request(`/jobs/${id}`, { method: "DELETE" });
}

/** @returns {Promise<Blob>} a PNG file */
export async function getPicture(id, kind, query = {}) {
  const search = new URLSearchParams(query);
  return (await request(`/jobs/${id}/${kind}.png?${search}`)).blob();
}

/** Ask for the full method on a trimap, or on the one that the server has. */
export async function postTrimap(id, trimap, options) {
  const body = form(trimap ? { trimap } : {}, options);
  return (await request(`/jobs/${id}/trimap`, { method: "POST", body })).json();
}

export async function postBox(id, box) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ box });
  return (await request(`/jobs/${id}/box`, { method: "POST", headers, body })).json();
}

/**
 * Send a rectangle of the trimap that was painted on.
 *
 * @returns {Promise<{file: ArrayBuffer, x: number, y: number}>} the alpha that changed, as a PNG
 */
export async function postStroke(id, patch, x, y) {
  const headers = { "Content-Type": "image/png" };
  const path = `/jobs/${id}/strokes?x=${x}&y=${y}`;
  const response = await request(path, { method: "POST", headers, body: patch });
  const [left, top] = response.headers.get("X-Rectangle").split(",").map(Number);
  return { file: await response.arrayBuffer(), x: left, y: top };
}

/** @returns {Promise<{name: string, about: string}[]>} */
export async function getMethods() {
  return (await (await request("/methods")).json()).methods;
}

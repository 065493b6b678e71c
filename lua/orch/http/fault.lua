--- What went wrong with a request, in one sentence: GET https://host/path: 503 Service
--- Unavailable: what the server says. URLs are shown without their secrets.

local errors = require "orch.core.error"
local fields = require "orch.http.fields"
local retry_after = require "orch.http.retry_after"
local url = require "orch.http.url"

local fault = {}

--- HTTP/2 sends no words.
local reasons = {
  [400] = "Bad Request", [401] = "Unauthorized", [402] = "Payment Required",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [406] = "Not Acceptable", [407] = "Proxy Authentication Required",
  [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone", [411] = "Length Required",
  [412] = "Precondition Failed", [413] = "Content Too Large", [414] = "URI Too Long",
  [415] = "Unsupported Media Type", [416] = "Range Not Satisfiable",
  [417] = "Expectation Failed", [421] = "Misdirected Request",
  [422] = "Unprocessable Content", [423] = "Locked", [424] = "Failed Dependency",
  [425] = "Too Early", [426] = "Upgrade Required", [428] = "Precondition Required",
  [429] = "Too Many Requests", [431] = "Request Header Fields Too Large",
  [451] = "Unavailable For Legal Reasons", [500] = "Internal Server Error",
  [501] = "Not Implemented", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout", [505] = "HTTP Version Not Supported",
  [507] = "Insufficient Storage", [508] = "Loop Detected", [529] = "Overloaded",
}

local MOST_JSON, LONGEST = 64 << 10, 200

---The words of a status: the server's own, or the usual ones.
---@param status integer
---@param head string?
---@return string
function fault.reason(status, head)
  local said = head and head:match "^HTTP/%S+ %d+[ \t]+([^\r\n]+)"
  return said and said:match "^(.-)%s*$" or reasons[status] or ""
end

local function one_line(text)
  text = text:match "[^\r\n]*%S[^\r\n]*"
  if not text then return nil end
  text = text:gsub("%c", " "):match "^%s*(.-)%s*$"
  if #text <= LONGEST then return text end
  return text:sub(1, (utf8.offset(text, 0, LONGEST + 1) or LONGEST + 1) - 1) .. "..."
end

local places = {
  "message", "error_description", "detail", "error_message", "error", "title", "reason",
  "errors", "msg", "description",
}

--- The sentence in what APIs send: { error = { message = } }, { message = }, { errors = {} }...
local function sentence(value, depth)
  if type(value) == "string" then return value ~= "" and value or nil end
  if type(value) ~= "table" or depth > 3 then return nil end
  for _, place in ipairs(places) do
    local found = sentence(value[place], depth + 1)
    if found then return found end
  end
  return sentence(value[1], depth + 1)
end

---What a body says of the failure, on one line.
---@param body string?
---@param content_type string?
---@return string?
function fault.said(body, content_type)
  if not body or body == "" then return nil end
  content_type = (content_type or ""):lower()
  local is_json = content_type:find "json" or (content_type == "" and body:find "^%s*[{[]")
  if is_json and #body <= MOST_JSON then
    local ok, value = pcall(require("orch.core.json").decode, body)
    local text = ok and sentence(value, 1)
    if text then return one_line(text) end
  end
  if is_json or content_type:find "^text/plain" or content_type == "" then
    return utf8.len(body:sub(1, LONGEST), 1, -1, true) and one_line(body) or one_line(
      body:gsub("[\128-\255]", "?"))
  end
end

---Raises kind `status` for an answer.
---@param response orch.http.Response
---@param sent orch.http.WireRequest? to which it is the answer
function fault.status(response, sent)
  local status, headers = response.status, response.headers
  local shown = url.shown(response.url)
  local reason = fault.reason(status, response.raw.head)
  local said = fault.said(rawget(response, "body"), headers["content-type"])
  if said and sent and sent.headers then said = fields.hide(said, sent.headers) end
  errors.throw(errors.make {
    kind = "status", status = status, response = response, method = response.method,
    url = shown, retry_after = retry_after(status, headers),
    message = ("%s %s: %d%s%s"):format(response.method, shown, status,
      reason ~= "" and " " .. reason or "", said and ": " .. said or ""),
  })
end

---Raises kind `http` about a request that was refused before it was sent, or its answer.
---@param method string
---@param target string
---@param message string
---@param more table? further fields
function fault.http(method, target, message, more)
  local shown = url.shown(target)
  local err = { kind = "http", url = shown, method = method,
    message = ("%s %s: %s"):format(method, shown, message) }
  for key, value in next, more or {} do err[key] = value end
  errors.throw(errors.make(err))
end

---Raises kind `timeout` for a limit that ran out between two requests.
function fault.timeout(method, target, seconds)
  local shown = url.shown(target)
  errors.throw(errors.make { kind = "timeout", url = shown, method = method,
    message = ("%s %s: timed out after %g s"):format(method, shown, seconds) })
end

return fault

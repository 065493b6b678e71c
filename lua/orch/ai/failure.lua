--- What went wrong with a provider, as an Error that says what the provider said.
---
---     kind `status`: the provider has refused; `status`, `type` and `code` in its words,
---       `reason` in ours: key, permission, quota, rate_limit, overloaded, model, request,
---       server; `retry_after` (seconds)
---     kind `refused`: the model will not say it, `reason` says why; `text` is what it said
---     kind `http`: the answer broke off, or is none; `text` is what had come
---     kind `json`: JSON was asked for, and this is none
--- All have `provider` and `model`; so have `network`, `tls` and `timeout` of the transport.

local errors = require "orch.core.error"
local field = require "orch.ai.field"
local limit = require "orch.ai.limit"
local url = require "orch.http.url"

local failure = {}

---What an adapter has read from an error.
---@class orch.ai.Said
---@field message string?
---@field type string? in the provider's words
---@field code any
---@field reason string? in ours
---@field status integer? where it is said in the body
---@field retry_after number? seconds
---@field request_id string?

local function throw(call, fields)
  fields.provider, fields.model = call.name, call.model
  fields.url, fields.method = url.shown(call.url), "POST"
  fields.message = require("orch.secrets").redact(fields.message)
  errors.throw(errors.make(fields))
end

--- Redacted before it is cut: half a key is no longer known as one.
local function short(text, size)
  text = require("orch.secrets").redact(text):gsub("%s+", " ")
  return #text > size and text:sub(1, utf8.offset(text, 0, size) - 1) .. "..." or text
end

local by_status = {
  [400] = "request", [401] = "key", [402] = "quota", [403] = "permission", [404] = "model",
  [413] = "request", [422] = "request", [429] = "rate_limit", [503] = "overloaded",
  [529] = "overloaded",
}

local function key_hint(call)
  if call.key_source == "option" then return "the key is that of the option `key`" end
  if call.key_source then return "the key is that of " .. call.key_source end
  return ("no key was given; set %s, or give `key`"):format(call.adapter.env[1])
end

--- What the reader can do about it.
local function hint(call, said, status)
  if said.reason == "key" or said.reason == "permission" then return "; " .. key_hint(call) end
  local is_own = call.base_url == call.adapter.base_url
  if status == 404 and not is_own and not call.base_url:find "/v%d[^/]*$" then
    return ("; base_url includes the version: is it %s/v1?"):format(url.shown(call.base_url))
  end
  if said.reason == "model" and call.model_is_default then
    return ("; %s is the default model, `model` names another"):format(call.model)
  end
  if said.retry_after then return ("; try again in %.3g s"):format(said.retry_after) end
  return ""
end

local function raise_status(call, said, status, fields)
  local code = said.code
  local word = said.type or (type(code) == "string" or math.type(code)) and tostring(code)
  local vague = not said.reason or said.reason == "server" or said.reason == "request"
  said.reason = vague and by_status[status] or said.reason
    or status >= 500 and "server" or "request"
  if word and said.message and said.message:find(word, 1, true) then word = nil end
  fields.kind = said.reason == "refused" and "refused" or "status"
  fields.status, fields.type, fields.code, fields.reason = status, said.type, said.code, said.reason
  fields.retry_after, fields.request_id = said.retry_after, fields.request_id or said.request_id
  local message = said.message and short(said.message, 500) or "no reason given"
  local way_out = hint(call, said, status)
  if way_out ~= "" then message = message:gsub("%.$", "") end
  fields.message = ("%s: %d%s: %s%s"):format(call.name, status, word and " " .. word or "",
    message, way_out)
  throw(call, fields)
end

---@return table said empty when the body is not the provider's
local function read_body(call, body)
  local ok, value = field.decode(body)
  local said = ok and call.adapter.failure(value) or {}
  if not said.message and body:find "%S" and not body:find "^%s*[<{%[]" then
    said.message = body
  end
  return said
end

---An answer with a status that is not 2xx.
---@param call orch.ai.Call
---@param response {status: integer, headers: table, body: string, redirect_url: string?}
function failure.status(call, response)
  local status, headers = response.status, response.headers
  if status < 400 then
    throw(call, { kind = "http", status = status, message = ("%s: %s answers with a redirect%s; "
      .. "keys are not sent elsewhere, so give the final address as base_url"):format(call.name,
      url.shown(call.url), headers.location and " to " .. url.shown(headers.location) or "") })
  end
  local said = read_body(call, response.body)
  local is_passing = status == 429 or status >= 500
  said.retry_after = is_passing and (limit.retry_after(status, headers) or said.retry_after) or nil
  raise_status(call, said, status, { response = response,
    request_id = headers["request-id"] or headers["x-request-id"] })
end

local status_of = {
  key = 401, permission = 403, model = 404, rate_limit = 429, quota = 429, request = 400,
  refused = 400, overloaded = 503,
}

---An error where an answer should be: in a stream, or with status 200.
---@param call orch.ai.Call
---@param body table the decoded message
---@param text string? what had come before
function failure.inside(call, body, text)
  local said = call.adapter.failure(body)
  raise_status(call, said, said.status or status_of[said.reason] or 500,
    { text = text, response = body })
end

---The model refused, or a filter did.
---@param call orch.ai.Call
---@param response orch.ai.Response
---@param why string
function failure.refused(call, response, why)
  throw(call, { kind = "refused", reason = why, text = response.text, response = response,
    message = ("%s: %s refused to answer: %s"):format(call.name, response.model, short(why, 500)) })
end

---The stream ended too early.
---@param call orch.ai.Call
---@param reader table
function failure.broken(call, reader)
  throw(call, { kind = "http", text = reader:text(),
    message = ("%s: the answer broke off after %d bytes of text: the stream ended without %s")
      :format(call.name, #reader:text(), reader.ending) })
end

---What came is not what the provider's documents say.
---@param call orch.ai.Call
---@param body string
---@param text string? what had come before
function failure.nonsense(call, body, text)
  throw(call, { kind = "http", text = text, body = body,
    message = ("%s: what %s answers is not in the form of %s's API: %s"):format(call.name,
      url.shown(call.url), call.adapter.protocol, body:find "%S" and short(body, 120) or "it is empty") })
end

---Text instead of JSON.
---@param call orch.ai.Call
---@param response orch.ai.Response
---@param err orch.Error what the decoder says
function failure.not_json(call, response, err)
  local why = response.finish_reason == "length"
    and "the answer was cut off at its token limit; raise `max_tokens`" or err.message
  throw(call, { kind = "json", text = response.text, response = response,
    message = ("%s: %s was asked for JSON, but this is none: %s"):format(call.name, response.model,
      why) })
end

---Adds who was asked to an error of the transport, and raises it again.
---@param call orch.ai.Call
---@param err any
---@param reader table?
function failure.pass(call, err, reader)
  if errors.is(err) and not errors.is_cancelled(err) and err.provider == nil then
    err.provider, err.model = call.name, call.model
    if reader and err.text == nil then err.text = reader:text() end
  end
  error(err, 0)
end

return failure

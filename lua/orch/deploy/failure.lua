--- What a service refused, as an Error in the service's own words.
---
---     kind `auth`      the key or the login: 401, 403
---     kind `conflict`  somebody else's change is in the way, or it is there already: 409
---     kind `rejected`  the service will not have it: 400, 404, 412, 413, 415, 422
---     kind `changed`   the file changed while it was sent (see source.lua)
---
--- These are not worth another attempt (`retryable` is false). Others keep the kind that they
--- have: `status`, `network`, `timeout`, `tls`, `http`. All have `service` and `cause`; where
--- there was an answer `status`, `reason` (the service's own word), `words` (its sentence),
--- `response` and `retry_after`.

local errors = require "orch.core.error"

local failure = {}

local kind_of_status = {
  [401] = "auth", [403] = "auth", [409] = "conflict", [400] = "rejected", [404] = "rejected",
  [412] = "rejected", [413] = "rejected", [415] = "rejected", [422] = "rejected",
}

local final = { auth = true, conflict = true, rejected = true, changed = true }

local LONGEST = 500 -- bytes of a service's words in a message

local function short(text)
  text = text:gsub("%s+", " "):match "^ ?(.-) ?$"
  if #text <= LONGEST then return text end
  return text:sub(1, utf8.offset(text, 0, LONGEST) - 1) .. "..."
end

---Raises an Error of a service.
---@param service string
---@param fields table `what` (what was being done: "open the edit"), `words` (the service's
---  sentence), `reason` (its word), `kind`, `hint` (the way out), `status`, and whatever else
---  the Error is to have
function failure.throw(service, fields)
  fields.kind = fields.kind or kind_of_status[fields.status] or "status"
  if final[fields.kind] and fields.retryable == nil then fields.retryable = false end
  local said = short(fields.words or "no reason given")
  if fields.reason and not said:find(fields.reason, 1, true) then
    said = ("%s (%s)"):format(said:gsub("%.$", ""), fields.reason)
  end
  if fields.hint then -- in the sentence, and not a second time below it
    said, fields.hint = said:gsub("%.$", "") .. "; " .. fields.hint, nil
  end
  fields.message = require("orch.secrets").redact(("%s: cannot %s: %s"):format(service,
    fields.what, said))
  fields.service = service
  errors.throw(errors.make(fields))
end

---Raises an error of `orch.http` again, as one of the service; what is none passes.
---@param service string
---@param err any
---@param fields table as for `throw`
function failure.raise(service, err, fields)
  if not errors.is(err) or errors.is_cancelled(err) or err.kind == "cancelled"
    or err.kind == "usage" or err.service then
    error(err, 0)
  end
  fields.cause, fields.url, fields.attempts = err, err.url, err.attempts
  fields.status, fields.response, fields.retry_after = err.status, err.response, err.retry_after
  fields.retryable = err.retryable
  if err.kind ~= "status" then fields.kind = fields.kind or err.kind end
  fields.words = fields.words or err.message
  failure.throw(service, fields)
end

---By how many seconds this machine's clock is ahead of the server's, by the header Date of an
---answer: signed requests are refused for that.
---@param response {headers: table}?
---@return integer? seconds negative: behind; nil when the answer does not say
function failure.clock_skew(response)
  local date = response and response.headers and response.headers.date
  local server = date and require "orch.http.date"(date)
  return server and os.time() - server or nil
end

return failure

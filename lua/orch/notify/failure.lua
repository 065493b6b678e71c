--- What went wrong with a service that tells people, in its own words.
---
---     kind `auth`      the token or the webhook is refused
---     kind `rejected`  the service will not have it: no such channel, a message that is too long
---     kind `status`    any other answer that is no success; 429 has `retry_after`
---     kinds `network`, `timeout`, `tls`, `http`: there was no answer
---
--- All have `service`; where there was an answer `status`, `reason` (the service's word) and
--- `words`. The URL is not among them: that of a webhook is as good as a password.

local errors = require "orch.core.error"

local failure = {}

local kind_of_status = {
  [401] = "auth", [403] = "auth", [400] = "rejected", [404] = "rejected", [405] = "rejected",
  [409] = "rejected", [410] = "rejected", [413] = "rejected", [415] = "rejected",
  [422] = "rejected",
}

local LONGEST = 500 -- bytes of a service's words in a message

local function short(text)
  text = require("orch.pipeline.text").valid(text):gsub("%s+", " "):match "^ ?(.-) ?$"
  if #text <= LONGEST then return text end
  return text:sub(1, utf8.offset(text, 0, LONGEST) - 1) .. "..."
end

---@param service string
---@param fields table `what` ("post to #builds"), `words`, `reason`, `hint`, `kind`, `status`,
---  `retry_after`, and whatever else the Error is to have
function failure.throw(service, fields)
  fields.kind = fields.kind or kind_of_status[fields.status] or "status"
  if fields.kind == "auth" or fields.kind == "rejected" then fields.retryable = false end
  local said = short(fields.words or fields.reason or "no reason given")
  if fields.reason and not said:find(fields.reason, 1, true) then
    said = ("%s (%s)"):format(said:gsub("%.$", ""), fields.reason)
  end
  if fields.hint then said = said:gsub("%.$", "") .. "; " .. fields.hint end
  if fields.retry_after then
    said = ("%s; try again in %s"):format(said,
      require("orch.report.text").duration(fields.retry_after))
  end
  fields.service = service
  fields.message = ("%s: cannot %s: %s"):format(service, fields.what, said)
  errors.throw(errors.make(fields))
end

---Raises an error of the transport again, without the URL. Others pass.
---@param service string
---@param what string
---@param err any
function failure.transport(service, what, err)
  local is_ours = errors.is(err) and (err.phase or err.kind == "timeout" and err.url)
  if not is_ours or err.service then error(err, 0) end
  local words = tostring(err.message):gsub("^%u+ %S+: ", "")
  failure.throw(service, {
    kind = err.kind, what = what, words = words, phase = err.phase, detail = err.detail,
    elapsed = err.elapsed, received = err.received, attempts = err.attempts,
  })
end

return failure

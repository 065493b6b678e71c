--- What a file server refused, in its own words.
---
---     kind `auth`      the login: wrong password, a key that it does not take
---     kind `rejected`  it will not have it: no right, no such folder, a full disk (`full` is
---                      true); not tried again
---     kind `tls`       its certificate or its host key is not one to trust
---     kind `network`, `timeout`  worth another attempt

local errors = require "orch.core.error"
local failures = require "orch.deploy.failure"

local failure = {}

--- Of libcurl.
local LOGIN_DENIED <const>, PEER_FAILED <const>, REMOTE_FULL <const> = 67, 60, 70
local NOT_FOUND <const>, ACCESS_DENIED <const>, NO_TLS <const> = 78, 9, 64

local full_words = { "[Nn]o space", "[Dd]isk full", "[Qq]uota", "[Ss]torage allocation",
  "[Ii]nsufficient", "[Ff]ailure writing" }

local function says_full(words, code)
  if code == 552 or code == 452 then return true end
  for _, pattern in ipairs(full_words) do
    if words:find(pattern) then return true end
  end
  return false
end

--- Without the number of the SFTP status and of libssh2's error.
local function words_of(err)
  if err.reply then return err.reply end
  local detail = err.detail or err.message
  return (detail:gsub(" %(%d+/%-?%d+%)$", ""):gsub("[.%s]+$", ""))
end

---Whether an error says that a file or a folder is not there.
---@param err any
---@return boolean
function failure.is_missing(err)
  if not errors.is(err) then return false end
  local cause = err.curl_code and err or errors.is(err.cause) and err.cause or err
  if cause.curl_code == NOT_FOUND then return true end
  return cause.reply ~= nil and cause.reply:find "^550" ~= nil
end

local function kind_of(err, words, code)
  if err.kind == "tls" or err.kind == "os" then return err.kind end
  if err.curl_code == LOGIN_DENIED or code == 530 or code == 430 then return "auth" end
  if err.curl_code == REMOTE_FULL or says_full(words, code) then return "rejected", true end
  if code == 421 then return "network" end
  if err.kind == "timeout" then return "timeout" end
  if code and code >= 500 then return "rejected" end
  if code and code >= 400 then return "network" end
  if err.curl_code == ACCESS_DENIED or err.curl_code == NOT_FOUND then return "rejected" end
  if words:find "[Pp]ermission denied" or words:find "[Oo]peration failed"
    or words:find "No such file" then
    return "rejected"
  end
  return err.kind == "http" and "network" or err.kind
end

local FULL <const> = "the disk of the server is full, or its quota is used up"

---Raises an error of the wire as one of the service.
---@param session table `service`, `at`, `explain_key` (for host keys) and `explain_login`
---@param err any
---@param what string what was being done: "send 'a.bin'"
function failure.raise(session, err, what)
  if not errors.is(err) or not err.curl_code then
    failures.raise(session.service, err, { what = what })
  end
  local words = words_of(err)
  local code = err.reply and math.tointeger(tonumber(err.reply:match "^(%d%d%d)[ -]"))
  local kind, full = kind_of(err, words, code)
  local is_host_key = session.known and (err.curl_code == PEER_FAILED
    or words:find "exchange encryption keys")
  if is_host_key then kind = "tls" end
  local fields = { what = what, words = words, kind = kind, hint = full and FULL, full = full,
    reply = err.reply, host = session.at.host }
  if kind == "auth" then
    fields.hint = session:explain_login()
  elseif is_host_key then
    fields.words, fields.hint = session:explain_key()
  elseif err.curl_code == NO_TLS then
    fields.hint = "the server does not encrypt on request (`use_tls`)"
  elseif kind == "network" or kind == "timeout" then
    if not code then fields.words = err.message:gsub("^%u+ %S+: ", "") end -- not libcurl's "GET"
  end
  if kind == "tls" then err.retryable = false end
  failures.raise(session.service, err, fields)
end

return failure

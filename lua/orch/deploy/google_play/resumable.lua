--- One file to Google by the resumable protocol ("Uploading Files" of the Google Play
--- Developer API): a session takes pieces, and says after a break where to go on.
---
---     local answer, resumed = resumable.send(api, { what = "send the bundle", path = path,
---       source = source, on_session = function(uri) end, tell = tell, chunk = 8 << 20 })

local edits = require "orch.deploy.google_play.edit"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local policies = require "orch.retry.policy"
local secrets = require "orch.secrets"
local urls = require "orch.http.url"

local resumable = {}

---What pieces are multiples of, all but the last.
resumable.UNIT = 256 * 1024

local STALL = 300       -- seconds without a byte, the time that Google needs at the end included
local MOST_SESSIONS = 3 -- that may get lost

---@class orch.deploy.Resumable
---@field what string "send the bundle", for messages
---@field path string below the service's address
---@field field string? that the answer to the whole file must have
---@field source orch.deploy.Source
---@field session string? one of an earlier call
---@field on_session async fun(uri: string)
---@field on_part fun(done: integer)? bytes that have arrived for good
---@field tell fun(done: integer, total: integer)
---@field chunk integer bytes
---@field retry orch.RetryOptions|boolean|nil

--- The option of a request without what only requests know.
local function policy_of(retry)
  local plan = {}
  for name, value in next, type(retry) == "table" and retry or {} do
    if name ~= "methods" then plan[name] = value end
  end
  if retry == false then plan.attempts = 1 end
  return policies.of("deploy.google_play: retry", plan)
end

--- Whoever has the address of a session may send to it.
local function hide(uri)
  secrets.cover(uri:match "[?&]upload_id=([^&]+)" or uri)
end

--- A session is as good as a token, and ours goes along: not to any host.
local function check_session(api, uri)
  local origin = urls.origin(uri)
  local ours = origin == urls.origin(api.base_url)
  if ours or origin:find "^https://[%w.-]+%.googleapis%.com:443$" then return uri end
  failure.throw("google_play", { what = "open an upload session", kind = "http",
    words = "the answer leads to another server" })
end

local function begin(api, u)
  local response = api:post("open an upload session", u.path, {
    query = { uploadType = "resumable" }, body = "",
    headers = { ["X-Upload-Content-Type"] = "application/octet-stream",
      ["X-Upload-Content-Length"] = tostring(u.source.size) } })
  local uri = response.headers.location
  if not uri then
    failure.throw("google_play", { what = "open an upload session", kind = "http",
      words = "the answer has no Location" })
  end
  u.session = check_session(api, urls.resolve(api.base_url, uri))
  hide(u.session)
  u.on_session(u.session)
  return 0
end

--- Where to go on, or that all of it has arrived.
---@return integer? offset nil: done
---@return table? answer
local function read_answer(api, u, response)
  if response.status ~= 308 then return nil, api:object(u.what, response, u.field) end
  local last = (response.headers.range or ""):match "0%-(%d+)%s*$"
  return last and math.tointeger(tonumber(last)) + 1 or 0
end

local function is_session_gone(err)
  return errors.is(err) and (err.status == 404 or err.status == 410)
    and not edits.is_gone(err)
end

--- Begins anew where the session is gone.
local function again(api, u, err)
  u.lost = (u.lost or 0) + 1
  if not is_session_gone(err) or u.lost > MOST_SESSIONS then error(err, 0) end
  return begin(api, u)
end

local function query(api, u)
  return read_answer(api, u, api:put("ask how much has arrived", u.session, {
    body = "", follow = false,
    headers = { ["Content-Range"] = ("bytes */%d"):format(u.source.size) } }))
end

--- Asks the session how much it has.
local function ask(api, u)
  local ok, offset, answer = pcall(query, api, u)
  if not ok then return again(api, u, offset) end
  return offset, answer
end

--- A piece that was given up may still arrive after the session was asked, and the next one is
--- then in the wrong place: goes on where it is now.
local function moved_on(api, u, err, before)
  local ok, offset, answer = pcall(query, api, u)
  if not ok or offset and offset <= before then error(err, 0) end
  return offset, answer
end

--- Sends a piece. Where all of it has arrived, and the server has not made a whole of it yet,
--- that is an empty one, which asks.
local function put(api, u, offset)
  local size = u.source.size
  local length = math.min(u.chunk, size - offset)
  local range = length > 0 and ("%d-%d"):format(offset, offset + length - 1) or "*"
  return api:put(u.what, u.session, {
    body = u.source:piece(offset, length), retry = false, follow = false,
    stall = api.options.stall or STALL,
    progress = function(done) u.tell(offset + done, size) end,
    headers = { ["Content-Range"] = ("bytes %s/%d"):format(range, size) },
  })
end

--- After a piece that did not go through: what the session has, unless all is in vain.
local function recover(api, u, err, before, attempt, policy)
  if not errors.is(err) or err.kind == "cancelled" then error(err, 0) end
  u.source:check()
  if is_session_gone(err) then return again(api, u, err) end
  if err.status == 400 and not edits.is_gone(err) then return moved_on(api, u, err, before) end
  if attempt >= policy.attempts or not policy.again(err) then error(err, 0) end
  if policy.on_retry then policy.on_retry(err, attempt, 0) end
  require("orch.core.clock").sleep(policy.pause(attempt, err))
  return ask(api, u)
end

--- A session that takes pieces and keeps none of them.
local function no_progress(u)
  return errors.make { kind = "network", service = "google_play", message = ("google_play: cannot "
    .. "%s: the server keeps nothing of what it is sent"):format(u.what) }
end

---Sends the file, or the rest of it.
---@async
---@param api orch.deploy.Client
---@param u orch.deploy.Resumable
---@return table answer what the service says of the whole file
---@return integer resumed bytes that were there before
function resumable.send(api, u)
  local policy, attempt, answer = policy_of(u.retry), 1, nil
  local offset
  if u.session then
    hide(u.session)
    offset, answer = ask(api, u)
  else
    offset = begin(api, u)
  end
  local resumed = offset or u.source.size
  while offset do
    if u.on_part then u.on_part(offset) end
    local before, ok, result = offset, pcall(put, api, u, offset)
    if ok then
      u.source:check()
      offset, answer = read_answer(api, u, result)
      if offset and offset <= before then ok, result = false, no_progress(u) end
    end
    if not ok then offset, answer = recover(api, u, result, before, attempt, policy) end
    attempt = offset and offset <= before and attempt + 1 or 1
    resumed = math.min(resumed, offset or resumed)
  end
  u.tell(u.source.size, u.source.size)
  return answer, resumed
end

return resumable

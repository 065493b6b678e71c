--- Resumable uploads of the Google Play of the tests: ranges, sizes and digests are checked.

local hash = require "orch.hash"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local refuse = dofile(here .. "/google_play_words.lua")
local has_version = dofile(here .. "/google_play_edit.lua").has_version

local uploads = {}

local UNIT = 256 * 1024

function uploads.begin(self, request, edit, target)
  if request.query.uploadType ~= "resumable" then
    return refuse(400, "uploadType should be resumable", "badRequest")
  end
  local total = math.tointeger(tonumber(request.headers["X-Upload-Content-Length"]))
  local id = ("ADPyc%d-%s"):format(self.count, hash.sha256(tostring(os.clock())):sub(1, 12))
  self.count = self.count + 1
  self.sessions[id] = { id = id, edit = edit, target = target, total = total, received = 0,
    digest = { hash.new "sha1", hash.new "sha256" }, head = "" }
  return { headers = { Location = ("%s%s?uploadType=resumable&upload_id=%s"):format(self.url,
    request.path, id) } }
end

local function complete(self, session)
  session.done = { sha1 = session.digest[1]:digest(), sha256 = session.digest[2]:digest() }
  local edit, target, done = session.edit, session.target, session.done
  if target.mapping then
    edit.app.mappings[#edit.app.mappings + 1] = { version_code = target.version_code,
      kind = target.mapping, sha256 = done.sha256 }
    session.answer = { json = { deobfuscationFile = { symbolType = target.mapping } } }
    return session.answer
  end
  local version_code = math.tointeger(tonumber(session.head:match "versionCode=(%d+)" or 1))
  if has_version(edit, version_code) then
    return refuse(403, "APK specifies a version code that has already been used.",
      "apkUpgradeVersionConflict")
  end
  local one = { versionCode = version_code, sha1 = done.sha1, sha256 = done.sha256 }
  if self.damage then one.sha256 = ("0"):rep(64) end
  if target.collection == "apks" then
    one = { versionCode = version_code, binary = { sha1 = one.sha1, sha256 = one.sha256 } }
  end
  table.insert(edit[target.collection], one)
  edit.processing = self.processing
  session.answer = { json = one }
  return session.answer
end

local function take(self, session, bytes)
  if #session.head < 1024 then session.head = (session.head .. bytes):sub(1, 1024) end
  for _, digest in ipairs(session.digest) do digest:update(bytes) end
  session.received = session.received + #bytes
  self.bytes = self.bytes + #bytes
end

local function so_far(session)
  return { status = 308, headers = session.received > 0
    and { Range = ("bytes=0-%d"):format(session.received - 1) } or nil }
end

function uploads.put(self, session, request, fault)
  local range = request.headers["Content-Range"] or ""
  local body = request.body or ""
  if range:match "^bytes %*/(%d+)$" then
    local answer = session.answer or so_far(session)
    if session.late then take(self, session, session.late) end
    session.late = nil
    return answer
  end
  local first, last, total = range:match "^bytes (%d+)%-(%d+)/(%d+)$"
  first, last, total = tonumber(first), tonumber(last), tonumber(total)
  if not first or total ~= session.total or last - first + 1 ~= #body
    or first ~= session.received or last + 1 < total and #body % UNIT ~= 0 then
    self.violations[#self.violations + 1] = ("%s with %d bytes, %d were there"):format(range, #body,
      session.received)
    return refuse(400, "Invalid request. " .. range, "badRequest")
  end
  if self.delay > 0 then require("orch.time").sleep(self.delay * #body / total) end
  if fault and fault.late then
    session.late = body
    return { reset = true }
  elseif fault and fault.keep then
    take(self, session, body:sub(1, fault.keep))
    return { reset = true }
  end
  take(self, session, body)
  if session.received == total then return complete(self, session) end
  return so_far(session)
end

return uploads

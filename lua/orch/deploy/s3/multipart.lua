--- A large file in parts, several at once. What a broken upload has left at the service is asked
--- for, and its parts are compared with the file's by their MD5: only the others are sent.

local answer = require "orch.deploy.s3.answer"
local etag = require "orch.deploy.s3.etag"
local failure = require "orch.deploy.failure"
local map = require "orch.map"
local memos = require "orch.deploy.memo"
local object = require "orch.deploy.s3.object"
local scopes = require "orch.scope"
local unfinished = require "orch.deploy.s3.unfinished"

local multipart = {}

local function create(client, key, headers)
  local root = client:request { what = ("begin the upload of '%s'"):format(key),
    need = "s3:PutObject", method = "POST", key = key, query = { uploads = "" }, headers = headers,
    body = "", xml = true }
  local id = answer.text(root, "UploadId")
  if id and id ~= "" then return id end
  failure.throw("s3", { what = ("begin the upload of '%s'"):format(key), kind = "http",
    words = "the answer has no UploadId" })
end

local function send(client, file, key, id, part, count, tell)
  local what = ("put part %d of %d of '%s'"):format(part.number, count, key)
  part.md5 = part.md5 or etag.of_part(file.path, part)
  file.check()
  local response = client:request { what = what, need = "s3:PutObject", method = "PUT", key = key,
    query = { partNumber = tostring(part.number), uploadId = id },
    headers = { ["content-md5"] = etag.base64(part.md5) },
    body = { path = file.path, offset = part.offset, length = part.length }, progress = tell,
    verify = function(response) object.check_etag(what, response.headers, part.md5) end }
  file.check()
  tell(part.length)
  part.etag = response.headers.etag
end

local function completion(parts)
  local list = { "<CompleteMultipartUpload>" }
  for _, part in ipairs(parts) do
    list[#list + 1] = ("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>"):format(
      part.number, ((part.etag or '"' .. part.md5 .. '"'):gsub('"', "&quot;")))
  end
  list[#list + 1] = "</CompleteMultipartUpload>"
  return table.concat(list)
end

local function complete(client, key, id, parts)
  local what = ("complete the upload of '%s'"):format(key)
  local list = {}
  for i, part in ipairs(parts) do list[i] = part.md5 end
  local wanted = etag.of_parts(list)
  local root, response = client:request { what = what, need = "s3:PutObject", method = "POST",
    key = key, query = { uploadId = id }, body = completion(parts), xml = true,
    headers = { ["content-type"] = "application/xml" } }
  local got = answer.text(root, "ETag")
  object.check_etag(what, setmetatable({ etag = got }, { __index = response.headers }), wanted)
  return etag.clean(got)
end

local function abort(client, key, id)
  client:request { what = ("give up the upload of '%s'"):format(key), method = "DELETE", key = key,
    need = "s3:AbortMultipartUpload", query = { uploadId = id } }
end

--- Headers belong to an upload from its beginning: with others it cannot be continued.
local function told_of(headers)
  local list = {}
  for name, value in next, headers do list[#list + 1] = name .. ": " .. value end
  table.sort(list)
  return table.concat(list, "\n")
end

--- Only such headers as everybody gives this file: what somebody else has begun may lack others.
local function are_usual(headers)
  for name in next, headers do
    if name ~= "content-type" and name ~= "content-encoding" then return false end
  end
  return true
end

local function find(client, file, key, o, memo, headers)
  local id = memo.data.upload
  if id and memo.data.headers == told_of(headers) then
    local parts = unfinished.ours(client, file, key, o.part_size, id)
    if parts then return id, parts end
  elseif id then
    pcall(abort, client, key, id)
  end
  if are_usual(headers) then return unfinished.find(client, file, key, o.part_size) end
end

--- What is to be sent, and where to; an upload that is begun is written down at once.
local function prepare(client, file, key, o, memo, headers)
  if o.resume then
    local id, parts = find(client, file, key, o, memo, headers)
    if id then return id, parts end
  end
  local id = create(client, key, headers)
  memo.data = { upload = id, headers = told_of(headers) }
  memo:save()
  return id, etag.parts(file.size, o.part_size)
end

--- One upload, from what is there to its end. `state` has what is known when it fails: `resumed`
--- bytes that were there, and `tells`, the progress of the parts.
local function go(client, file, key, o, headers, shown, memo, state)
  local id, parts = prepare(client, file, key, o, memo, headers)
  local _ <close> = scopes.defer(function(err)
    if err and not o.resume then
      pcall(abort, client, key, id)
      memo:done()
    end
  end)
  local function tell()
    table.insert(state.tells, shown:file())
    return state.tells[#state.tells]
  end
  local missing = {}
  state.resumed = 0
  for _, part in ipairs(parts) do
    if part.done then
      state.resumed = state.resumed + part.length
    else
      missing[#missing + 1] = part
    end
  end
  tell()(state.resumed)
  map.each(missing, function(part)
    send(client, file, key, id, part, #parts, tell())
  end, { concurrency = o.connections })
  file.check()
  return complete(client, key, id, parts)
end

--- An upload that is gone in the middle: whether it has arrived, because the answer was lost, or
--- another machine was faster.
local function has_arrived(client, file, key, part_size, err)
  local there = object.look(client, key)
  if not there then return nil end
  local asked_twice = (err.attempts or 1) > 1 and there.encrypted and there.size == file.size
  return (asked_twice or etag.same(file, there, part_size)) and there.etag or nil
end

---@async
---@param client orch.deploy.s3.Client
---@param file orch.deploy.s3.File
---@param key string
---@param o {resume: boolean, part_size: integer, connections: integer}
---@param headers table of the object
---@param shown orch.deploy.FolderProgress
---@return string etag
---@return integer resumed bytes that were there
function multipart.put(client, file, key, o, headers, shown)
  local memo <close> = memos.open { service = "s3", resume = o.resume,
    target = client.at:url(key) }
  local now = not memo.data.upload and object.look(client, key)
  if now and now.etag ~= file.seen and etag.same(file, now, o.part_size) then
    return now.etag, file.size -- another process has sent it while we waited for the memo
  end
  local state = { tells = {}, resumed = 0 }
  local ok, result = pcall(go, client, file, key, o, headers, shown, memo, state)
  if not ok then
    if not answer.is(result, "NoSuchUpload") then error(result, 0) end
    result = has_arrived(client, file, key, o.part_size, result)
    if not result then -- somebody gave it up
      memo.data = {}
      for _, tell in ipairs(state.tells) do tell(0) end
      state = { tells = {}, resumed = 0 }
      result = go(client, file, key, o, headers, shown, memo, state)
    end
  end
  memo:done()
  return result, state.resumed
end

return multipart

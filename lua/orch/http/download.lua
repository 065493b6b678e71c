--- A file from a URL: it appears when it is whole and checked, or not at all.
---
---     http.download(url, "game.zip", { hash = "sha256:...", resume = true })

local again = require "orch.http.again"
local arg = require "orch.arg"
local clock = require "orch.core.clock"
local fault = require "orch.http.fault"
local hash_check = require "orch.http.hash_check"
local new_response = require "orch.http.response"
local options = require "orch.http.options"
local parts = require "orch.http.part"
local request = require "orch.http.request"
local urls = require "orch.http.url"
local watch = require "orch.http.watch"
local wire = require "orch.http.wire"

local MOST_OF_A_FAILURE = 64 << 10

local download = {}

download.spec = options.with {
  resume = "boolean", hash = "string", sync = "boolean", cookies = "table",
  progress = "boolean|string|table|callable",
}

---@class orch.http.Download
---@field path string
---@field size integer bytes
---@field resumed integer bytes that were there already
---@field status integer
---@field headers orch.http.Headers
---@field url string of the last request
---@field elapsed number seconds
---@field history {status: integer, url: string, location: string}[]
local Download = arg.known("the result of a download",
  { "path", "size", "resumed", "status", "headers", "url", "elapsed", "history" })

--- What proves that two answers are of the same file: a strong ETag, else a date.
local function validator(known)
  local etag = known and known.etag
  if type(etag) == "string" and etag:sub(1, 1) == '"' then return etag end
  return known and known.last_modified or nil
end

--- Whether what is there may be continued, and with which If-Range.
local function resumable(job, part)
  if job.request.settings.compressed then return false end -- the server counts other bytes
  if not part.known or part.known.url ~= urls.shown(job.request.url) then return false end
  local proof = validator(part.known)
  return proof ~= nil or job.hash ~= nil, proof
end

--- The request of one attempt: for the rest, where something is there.
local function prepare(job, part)
  local have = job.fresh and 0 or part:size()
  job.saved = job.saved or have > 0
  local may, proof = false, nil
  if have > 0 then may, proof = resumable(job, part) end
  if not may then return job.request, 0 end
  local one = {}
  for key, value in next, job.request do one[key] = value end
  one.headers = table.move(one.headers or {}, 1, #(one.headers or {}), 1, {})
  table.insert(one.headers, ("Range: bytes=%d-"):format(have))
  if proof then table.insert(one.headers, "If-Range: " .. proof) end
  return one, have
end

local function read_failure(stream, response)
  local pieces, size = {}, 0
  for chunk in stream.read, stream do
    pieces[#pieces + 1], size = chunk, size + #chunk
    if size >= MOST_OF_A_FAILURE then break end
  end
  response.body = table.concat(pieces):sub(1, MOST_OF_A_FAILURE)
end

--- Where the body belongs in the file, and how large that will be.
local function place_of(response, have)
  if response.status ~= 206 then return 0, nil end
  local range = response.headers["content-range"]
  local first, total = (range or ""):match "^bytes%s+(%d+)%-%d+/([%d*]+)"
  if not first or tonumber(first) ~= have then
    fault.http("GET", response.url, ("asked for the bytes from %d on, and got '%s'"):format(have,
      range or "no Content-Range"), { status = 206 })
  end
  return have, math.tointeger(tonumber(total))
end

--- A server may know ranges, but not If-Range: then the rest is of what it has now.
local function is_other_file(response, part)
  local known, headers = part.known, response.headers
  for name, before in next, { etag = known.etag, ["last-modified"] = known.last_modified } do
    if headers[name] and headers[name] ~= before then return true end
  end
  return false
end

--- The server has nothing behind what is there: whole already, or another file.
local function is_whole(response, have, part)
  local total = tonumber((response.headers["content-range"] or ""):match "^bytes%s+%*/(%d+)")
  if total ~= have then return false end
  local etag = response.headers.etag
  return not etag or not part.known or etag == part.known.etag
end

local function remember(job, part, response)
  local headers = response.headers
  local known = { url = urls.shown(job.request.url), etag = headers.etag,
    last_modified = headers["last-modified"] }
  if not validator(known) and not job.hash then
    part.known = nil
    return
  end
  part:remember(known)
end

local function check(job, part, response, size, total)
  if total and size ~= total then
    fault.http("GET", response.url, ("the file should have %d bytes, and %d came"):format(total,
      size), { received = size, expected = total, phase = "receiving" })
  end
  if not job.hash then return true end
  local good, digits = hash_check.matches(job.hash, part.path)
  job.fresh = not good -- what there is must not be continued
  return good, digits
end

--- One attempt: nil where it has to begin afresh.
local function fetch(job, part)
  local sent, have = prepare(job, part)
  local meter = job.request.meter
  if meter then meter.base = 0 end
  local whole_job = setmetatable({ request = sent }, { __index = job })
  local stream, last, history = request.exchange(whole_job, wire.open)
  local _ <close> = stream
  local response = new_response(stream, last.method)
  response.history = history or {}
  if response.status == 416 and have > 0 then
    job.fresh = not is_whole(response, have, part)
    if job.fresh then return nil end
  elseif response.status >= 400 then
    read_failure(stream, response)
    fault.status(response, last)
  elseif not response.ok then
    fault.http("GET", response.url, ("the answer is %d %s, and no file"):format(response.status,
      response.reason), { status = response.status })
  end
  local offset, total, size = have, nil, have
  if response.status ~= 416 then
    offset, total = place_of(response, have)
    if offset > 0 and is_other_file(response, part) then
      job.fresh = true
      return nil
    end
    if offset == 0 then
      part:prepare()
      remember(job, part, response)
    end
    if meter then meter.base = offset end
    job.saved, job.fresh = true, false
    size = stream:save(part.path, offset, job.sync)
    if meter then watch.look(meter) end
  end
  local good, digits = check(job, part, response, size, total)
  if not good and offset > 0 then return nil end
  if not good then hash_check.fail(job.hash, digits, response.url, job.path) end
  return { size = size, resumed = offset, status = response.status, headers = response.headers,
    url = response.url, history = response.history }
end

local function attempt(job)
  return fetch(job, job.part) or fetch(job, job.part)
end

local function run(job)
  if job.retry then return again.run(job, attempt) end
  return attempt(job)
end

local guard = { __close = function(self)
  local job = self.job
  self.part:close(job.saved and not job.fresh and resumable(job, self.part))
end }

---@async
---@return orch.http.Download
function download.run(fname, target, path, opts, client)
  local started = clock.now()
  arg.path(fname, 2, path)
  local job, o = options.read(fname, "GET", target, opts, client, download.spec)
  if o.check == false then
    arg.fail("%s: `check=false` would write the server's error page into the file", fname)
  end
  if o.compressed and o.resume then
    arg.fail("%s: `compressed` and `resume` exclude each other: what the server compresses on "
      .. "its way cannot be continued", fname)
  end
  job.check = true
  job.hash, job.sync, job.path = hash_check.read(fname, o.hash), o.sync ~= false, path
  -- The file as it is stored.
  local settings = {}
  for key, value in next, job.request.settings do settings[key] = value end
  settings.compressed, settings.limit = o.compressed or nil, nil
  job.request.settings = settings
  local meter = job.progress and {} or nil
  job.request.meter = meter
  job.part = parts.open(path, o.resume or false)
  local _ <close> = setmetatable({ job = job, part = job.part }, guard)
  local result = watch.run(fname, job.progress, meter, false, run, job)
  job.part:finish()
  result.path, result.elapsed = path, clock.now() - started
  return setmetatable(result, Download)
end

return download

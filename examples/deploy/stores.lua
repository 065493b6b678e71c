-- How a build gets into a store, and a message into a chat. Every function begins with the
-- address of the service, and tells `progress(done, total)` how far an upload is.
--
-- A step that is done is not done again, neither by the next attempt of the job nor by
-- `orch resume`: an edit is not opened twice, and what is uploaded stays uploaded.
local http, step = orch.http, orch.step

local stores = {}
local PART = 1 << 18 -- bytes; Google wants multiples of 256 KB

local function each_part(path, progress, send)
  local size, file <close> = orch.fs.stat(path).size, assert(io.open(path, "rb"))
  for first = 0, size - 1, PART do
    local data = file:read(PART)
    send(data, first, first + #data - 1, size)
    progress(first + #data, size)
  end
end

-- Google Play Developer API: https://developers.google.com/android-publisher/edits
function stores.google(url, path, channel, progress)
  local app = "/androidpublisher/v3/applications/com.example.cat/edits"
  local edit = step("google: open edit", function() return http.post(url .. app):json().id end)
  local code = step("google: upload", function()
    local session = http.post(url .. "/upload" .. app .. "/" .. edit .. "/bundles",
      { query = { uploadType = "resumable" } }).headers.Location
    local answer
    each_part(path, progress, function(data, first, last, size)
      answer = http.put(session, { body = data,
        headers = { ["Content-Range"] = ("bytes %d-%d/%d"):format(first, last, size) } })
    end)
    return answer:json().versionCode
  end)
  step("google: commit", function()
    http.put(url .. app .. "/" .. edit .. "/tracks/" .. channel, { json = {
      track = channel, releases = { { status = "completed", versionCodes = { code } } } } })
    http.post(url .. app .. "/" .. edit .. ":commit")
  end)
end

-- App Store Connect API: https://developer.apple.com/documentation/appstoreconnectapi
function stores.apple(url, path, _, progress)
  local upload = step("apple: reserve", function()
    return http.post(url .. "/v1/buildUploads", { json = { data = { type = "buildUploads" } } })
      :json().data.id
  end)
  step("apple: upload", function()
    local size = orch.fs.stat(path).size
    local file = http.post(url .. "/v1/buildUploadFiles", { json = { data = {
      type = "buildUploadFiles", attributes = { fileName = path, fileSize = size },
      relationships = { buildUpload = { data = { id = upload } } } } } }):json().data
    local source <close> = assert(io.open(path, "rb"))
    for _, part in ipairs(file.attributes.uploadOperations) do -- Apple says which parts
      source:seek("set", part.offset)
      http.request(part.method, part.url, { body = source:read(part.length) })
      progress(part.offset + part.length, size)
    end
    http.patch(url .. "/v1/buildUploadFiles/" .. file.id,
      { json = { data = { attributes = { uploaded = true } } } })
  end)
end

-- A server of one's own.
function stores.own(url, path, channel, progress)
  step("own server: upload", function()
    http.upload(path, url .. "/builds/" .. channel .. "/", { progress = progress })
  end)
end

-- Slack: posts a message, or changes the one with this time stamp.
function stores.chat(url, text, ts)
  return http.post(url .. "/api/chat." .. (ts and "update" or "postMessage"),
    { json = { channel = "#builds", text = text, ts = ts } }):json().ts
end

return stores

-- The stores and the chat of deploy.lua, as one server on this machine. It speaks as much
-- of their protocols as deploy/stores.lua uses, and knows no keys:
--
--   Google Play    edits: open, upload a bundle in parts, choose a track, commit
--   App Store      buildUploads and buildUploadFiles: reserve, upload parts, confirm
--   own server     PUT of a file
--   Slack          chat.postMessage, chat.update
--
-- Each part takes a while, and the first upload to the App Store is answered with 503.
local fakes = {}

local SECONDS_PER_PART = 0.12 * (tonumber(os.getenv "MOCK_SECONDS") or 1)
local was_busy = false -- once in a run is enough

-- { "METHOD pattern of the path", answer(request, what the pattern found) }
local routes = {
  { "POST ^/androidpublisher/v3/applications/[^/]+/edits$", function()
    return { json = { id = "edit-1" } }
  end },
  { "POST ^/upload/androidpublisher/.*/edits/([^/]+)/bundles$", function(request, edit)
    return { headers = { Location = "http://" .. request.headers.Host .. "/session/" .. edit } }
  end },
  { "PUT ^/session/", function(request)
    orch.sleep(SECONDS_PER_PART)
    local last, size = request.headers["Content-Range"]:match "%-(%d+)/(%d+)$"
    if tonumber(last) + 1 < tonumber(size) then return 308 end -- "go on"
    return { json = { versionCode = 7 } }
  end },
  { "PUT ^/androidpublisher/.*/tracks/", function(request) return { json = request:json() } end },
  { "POST ^/androidpublisher/.*/edits/([^/]+):commit$", function(_, edit)
    return { json = { id = edit } }
  end },
  { "POST ^/v1/buildUploads$", function()
    return { status = 201, json = { data = { id = "upload-1" } } }
  end },
  { "POST ^/v1/buildUploadFiles$", function(request)
    local size, list = request:json().data.attributes.fileSize, {}
    for offset = 0, size - 1, 1 << 18 do
      list[#list + 1] = { method = "PUT", url = ("http://%s/part/%d"):format(
        request.headers.Host, offset), offset = offset, length = math.min(1 << 18, size - offset) }
    end
    return { status = 201, json = { data = { id = "file-1",
      attributes = { uploadOperations = list } } } }
  end },
  { "PUT ^/part/(%d+)$", function(_, offset)
    orch.sleep(SECONDS_PER_PART)
    if not was_busy and tonumber(offset) > 2e6 then
      was_busy = true
      return { status = 503, json = { errors = { { detail = "The service is unavailable." } } } }
    end
    return 200
  end },
  { "PATCH ^/v1/buildUploadFiles/", function(request) return { json = request:json() } end },
  { "PUT ^/builds/", function()
    orch.sleep(5 * SECONDS_PER_PART)
    return 201
  end },
  { "POST ^/api/chat%.", function(request)
    local message = request:json()
    orch.fs.append("build/demo/chat.log", message.text .. "\n")
    return { json = { ok = true, ts = message.ts or "1503435956.000247" } }
  end },
}

-- A server for the block that asks for it, with `url`.
function fakes.serve()
  orch.fs.mkdir "build/demo"
  return orch.http.serve({ port = 0 }, function(request)
    for _, route in ipairs(routes) do
      local method, pattern = route[1]:match "^(%u+) (.*)$"
      local found = request.method == method and request.path:match(pattern)
      if found then return route[2](request, found) end
    end
    return { status = 404, json = { message = request.method .. " " .. request.path .. "?" } }
  end)
end

return fakes

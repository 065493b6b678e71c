--- What an .ipa says of itself, in the Info.plist of its app: version, build, bundle id.

local errors = require "orch.core.error"
local plist = require "orch.deploy.testflight.plist"

local function read(source)
  local archive = require "orch.archive"
  for entry in archive.entries(source.path) do
    if entry.name:find "^Payload/[^/]+%.app/Info%.plist$" then
      return plist(archive.read(source.path, entry.name))
    end
  end
  error("it has no Payload/....app/Info.plist", 0)
end

---@async
---@param source orch.deploy.Source
---@return {version: string?, build: string?, bundle_id: string?} info empty where it cannot be
---  read
---@return string? problem why not
return function(source)
  if not source.name:lower():find "%.ipa$" then return {}, "only an .ipa is looked into" end
  local ok, values = pcall(read, source)
  if not ok then
    if errors.is_cancelled(values) then error(values, 0) end
    return {}, errors.is(values) and values.message or tostring(values)
  end
  return { version = values.CFBundleShortVersionString, build = values.CFBundleVersion,
    bundle_id = values.CFBundleIdentifier }
end

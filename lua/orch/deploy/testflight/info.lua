--- What an .ipa says of itself, in the Info.plist of its app: version, build, bundle id.

local errors = require "orch.core.error"
local plist = require "orch.deploy.testflight.plist"

local LIMIT = 1 << 20 -- bytes; such files have some thousands

---@async
---@param source orch.deploy.Source
---@return {version: string?, build: string?, bundle_id: string?} info empty where it cannot be
---  read
---@return string? problem why not
return function(source)
  if not source.name:lower():find "%.ipa$" then return {}, "only an .ipa is looked into" end
  local ok, values = pcall(function()
    return plist(require("orch.archive").read(source.path, "Payload/*.app/Info.plist",
      { limit = LIMIT }))
  end)
  if not ok then
    if errors.is_cancelled(values) then error(values, 0) end
    return {}, errors.is(values) and values.message or "its Info.plist cannot be understood"
  end
  return { version = values.CFBundleShortVersionString, build = values.CFBundleVersion,
    bundle_id = values.CFBundleIdentifier }
end

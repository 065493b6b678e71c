--- What an upload to TestFlight is told, and what its file says of itself.

local arg = require "orch.arg"
local common = require "orch.deploy.common"

local options = {}

local platforms = { "IOS", "MAC_OS", "TV_OS", "VISION_OS" }

options.login = {
  app = "string|integer", key = "string|table", key_id = "string", issuer_id = "string",
  version = "string", build = "string|integer", platform = "string",
}
options.upload = common.merged(options.login, {
  groups = "string|table", notes = "string|table", uses_encryption = "boolean",
  review = "boolean", wait = "duration|boolean", poll = "duration", connections = "integer",
  checksum = "string|boolean",
})

local function check_platform(fname, o)
  o.platform = o.platform or "IOS"
  for _, name in ipairs(platforms) do
    if name == o.platform then return end
  end
  local near = arg.suggest(o.platform, platforms)
  arg.fail("%s: option `platform` should be %s, not %q%s", fname, table.concat(platforms, ", "),
    o.platform, near and ("; did you mean \"%s\"?"):format(near) or "")
end

local function check_texts(fname, name, value, by_name)
  for key, text in next, type(value) == "table" and value or {} do
    if type(text) ~= "string" or (type(key) == "string") ~= by_name then
      arg.fail("%s: option `%s` should be %s", fname, name, by_name
        and 'a text, or texts by locale such as { ["en-US"] = "..." }'
        or 'a name, or a list such as { "Testers", "Friends" }')
    end
    if by_name and not key:find "^%a%a[%a-]*$" then
      arg.fail("%s: option `%s` has a text for %q, which is no locale such as \"en-US\"", fname,
        name, key)
    end
  end
end

---@param fname string
---@param o table
function options.check_login(fname, o)
  for _, name in ipairs { "app", "key_id", "issuer_id", "version", "build" } do
    if o[name] == "" then
      arg.fail("%s: option `%s` is empty; is the variable that it comes from set?", fname, name)
    end
  end
  o.app = tostring(o.app)
  o.build = o.build and tostring(o.build)
  check_platform(fname, o)
end

---@param fname string
---@param o table gets its defaults
function options.check_upload(fname, o)
  options.check_login(fname, o)
  if type(o.groups) == "string" then o.groups = { o.groups } end
  check_texts(fname, "groups", o.groups, false)
  check_texts(fname, "notes", o.notes, true)
  o.poll, o.connections = o.poll or 15, o.connections or 4
  if o.wait == nil or o.wait == true then o.wait = 45 * 60 end
  if o.connections < 1 then arg.fail("%s: option `connections` should be at least 1", fname) end
  if o.checksum == nil or o.checksum == true then o.checksum = "MD5" end
  if o.checksum and o.checksum ~= "MD5" and o.checksum ~= "SHA_256" then
    arg.fail('%s: option `checksum` should be "MD5", "SHA_256" or false', fname)
  end
  if o.wait then return end
  for _, name in ipairs { "groups", "notes", "uses_encryption", "review" } do
    if o[name] ~= nil then
      arg.fail("%s: `%s` needs the processed build, so it cannot go with wait = false", fname,
        name)
    end
  end
end

--- What Apple would refuse after all of it was sent.
local function check_same(fname, o, source, info, name)
  if info[name] and o[name] and info[name] ~= o[name] then
    arg.fail("%s: option `%s` is \"%s\", but '%s' says \"%s\" of itself; leave the option out",
      fname, name, o[name], source.shown, info[name])
  end
  o[name] = o[name] or info[name]
end

---Version and build: what is not said is read from the file.
---@async
---@param fname string
---@param o table
---@param source orch.deploy.Source
---@return string? bundle_id of the file, where it can be read
function options.fill_in(fname, o, source)
  local info, problem = require("orch.deploy.testflight.info")(source)
  for _, name in ipairs { "version", "build" } do
    check_same(fname, o, source, info, name)
    if not o[name] then
      arg.fail("%s needs the option `%s`: it could not be read from '%s'%s", fname, name,
        source.shown, problem and (" (%s)"):format(problem) or "")
    end
  end
  return info.bundle_id
end

---@param bundle_id string? of the file
---@param app orch.deploy.testflight.App
function options.check_bundle(fname, source, bundle_id, app)
  if bundle_id and bundle_id ~= app.bundle_id then
    arg.fail("%s: '%s' is a build of %s, not of %s", fname, source.shown, bundle_id,
      app.bundle_id)
  end
end

return options

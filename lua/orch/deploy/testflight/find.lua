--- What App Store Connect has already: the app, the build of a version, an upload of it, the
--- groups of testers.

local arg = require "orch.arg"
local failure = require "orch.deploy.failure"

local find = {}

---@class orch.deploy.testflight.App
---@field id string Apple's number
---@field bundle_id string
---@field name string
---@field locale string of the notes that are given as one text

local function app_of(resource)
  local attributes = resource.attributes
  return { id = resource.id, bundle_id = attributes.bundleId, name = attributes.name,
    locale = attributes.primaryLocale or "en-US" }
end

---@async
---@param api orch.deploy.testflight.Api
---@param app string the bundle id, or Apple's number
---@return orch.deploy.testflight.App
function find.app(api, app)
  local what = ("find the app '%s'"):format(app)
  if app:find "^%d+$" then return app_of(api:one(what, "v1/apps/" .. app)) end
  local near = {}
  for _, resource in ipairs(api:list(what, "v1/apps", { ["filter[bundleId]"] = app })) do
    local id = resource.attributes.bundleId
    if id == app then return app_of(resource) end -- the filter takes what only begins so, too
    near[#near + 1] = id
  end
  failure.throw("testflight", { kind = "rejected", what = what, reason = "NOT_FOUND",
    words = "App Store Connect has no app with this bundle id that the key may see",
    hint = near[1] and ("it has %s"):format(table.concat(near, ", "))
      or "make it there first: a build cannot make an app" })
end

---@async
---@param version string? all versions without it
---@param build string? all builds without it
---@return table? resource of `builds`: the newest that there is
function find.build(api, app, platform, version, build)
  local query = {
    ["filter[app]"] = app.id, ["filter[version]"] = build,
    ["filter[preReleaseVersion.version]"] = version,
    ["filter[preReleaseVersion.platform]"] = platform,
    include = "preReleaseVersion", sort = "-uploadedDate", limit = 1,
  }
  local document = api:page("ask for builds", "v1/builds", query)
  local found = document.data[1]
  for _, one in ipairs(found and document.included or {}) do
    if one.type == "preReleaseVersions" then found.version = one.attributes.version end
  end
  return found
end

---@async
---@return table[] resources of `buildUploads` of this very build, the newest first
function find.uploads(api, app, o)
  return api:list("ask for uploads", ("v1/apps/%s/buildUploads"):format(app.id), {
    ["filter[cfBundleShortVersionString]"] = o.version, ["filter[cfBundleVersion]"] = o.build,
    ["filter[platform]"] = o.platform, sort = "-uploadedDate",
  })
end

---The state of an upload: an object in the answers, a plain word in the first documents.
---@param resource table
---@return string state
---@return orch.deploy.AppleError[] errors
---@return orch.deploy.AppleError[] warnings
function find.state(resource)
  local state = resource.attributes.state
  if type(state) ~= "table" then return state or "AWAITING_UPLOAD", {}, {} end
  local function list(items)
    local all = {}
    for i, item in ipairs(type(items) == "table" and items or {}) do
      all[i] = { code = item.code, detail = item.description }
    end
    return all
  end
  return state.state or "AWAITING_UPLOAD", list(state.errors), list(state.warnings)
end

---@class orch.deploy.testflight.Group
---@field id string
---@field name string
---@field gets_all boolean? it has every build by itself, and Apple refuses to give it one

---@async
---@param names string[]?
---@return orch.deploy.testflight.Group[] groups; raises kind `rejected` for a name that is none
function find.groups(api, app, names)
  if not names or #names == 0 then return {} end
  local by_name, all = {}, {}
  for _, group in ipairs(api:list("ask for the groups of testers", "v1/betaGroups",
    { ["filter[app]"] = app.id })) do
    by_name[group.attributes.name] = group
    all[#all + 1] = group.attributes.name
  end
  local groups = {}
  for i, name in ipairs(names) do
    if not by_name[name] then
      table.sort(all)
      local near = arg.suggest(name, all)
      failure.throw("testflight", { kind = "rejected", reason = "NOT_FOUND",
        what = ("find the group '%s'"):format(name), words = ("%s has no such group of testers")
          :format(app.name), hint = near and ("did you mean '%s'?"):format(near)
          or #all > 0 and "it has " .. table.concat(all, ", ") or "it has none" })
    end
    groups[i] = { id = by_name[name].id, name = name,
      gets_all = by_name[name].attributes.hasAccessToAllBuilds }
  end
  return groups
end

return find

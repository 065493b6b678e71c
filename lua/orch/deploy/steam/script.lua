--- The files that steamcmd is given: the scripts of a build, its commands, a login. They are in a
--- folder of their own that nobody else can read, and go with it.

local arg = require "orch.arg"
local place = require "orch.place"
local vdf = require "orch.deploy.steam.vdf"

local script = {}

local FNAME = "deploy.steam.upload"
local PRIVATE = 384 -- 0600

--- Where steamcmd looks for its configuration: old clients and newer ones.
local homes = { "Steam", ".local/share/Steam", ".steam/steam" }

---@return string[]
function script.patterns(...)
  local all = {}
  for _, patterns in ipairs { ... } do
    for _, one in ipairs(type(patterns) == "table" and patterns or { patterns }) do
      all[#all + 1] = one
    end
  end
  return all
end

--- config.vdf as it is, or in base64, as variables of CI servers have it.
local function config_of(text)
  if text:find("{", 1, true) then return text end
  local ok, decoded = pcall(require("orch.hash").unbase64, (text:gsub("%s", "")))
  if ok and decoded:find("{", 1, true) then return decoded end
  arg.fail("%s: option `config` should be the text of Steam's config/config.vdf, or that in "
    .. "base64", FNAME)
end

local function app_script(o, work, depots)
  local list = {}
  for i, depot in ipairs(depots) do
    list[i] = { tostring(depot.id), ("depot_build_%d.vdf"):format(depot.id) }
  end
  local items = { { "AppID", o.app }, { "Desc", o.description or "" } }
  if o.preview then items[#items + 1] = { "Preview", "1" } end
  if o.branch then items[#items + 1] = { "SetLive", o.branch } end
  table.move({ { "ContentRoot", depots[1].path }, { "BuildOutput", work.output },
    { "Depots", list } }, 1, 3, #items + 1, items)
  return vdf.encode(FNAME, "AppBuild", items)
end

local function depot_script(depot)
  local items = { { "DepotID", depot.id }, { "ContentRoot", depot.path },
    { "FileMapping", { { "LocalPath", "*" }, { "DepotPath", "." }, { "Recursive", "1" } } } }
  for _, pattern in ipairs(depot.exclude) do items[#items + 1] = { "FileExclusion", pattern } end
  return vdf.encode(FNAME, "DepotBuild", items)
end

---Refuses what cannot be written, before anything is.
---@param fname string
---@param o table
---@param depots table[]
function script.check(fname, o, depots)
  if o.branch == "default" or o.branch == "public" then
    arg.fail("%s: Steam lets nobody set a build live on \"%s\" from a script; do it in "
      .. "Steamworks, or set another branch", fname, o.branch)
  end
  app_script(o, { output = "" }, depots)
  for _, depot in ipairs(depots) do depot_script(depot) end
  if o.config then config_of(o.config) end
  for _, name in ipairs { "password", "guard" } do
    if o[name] and o[name]:find '["%s]' then
      arg.fail("%s: the %s has a quote or a space in it, which steamcmd's scripts cannot hold; "
        .. "log in once by hand and use `config`", fname, name)
    end
  end
end

---A private folder, and what is in it at the beginning.
---@async
---@param o table
---@return table work `<close>`-able: `path`, `output`
function script.folder(o)
  local fs = require "orch.fs"
  local path = fs.temp_dir()
  local work = setmetatable({ path = path, output = path .. "/output" }, { __close = function()
    require("orch.core.remove").remove_now(path)
  end })
  if o.output then work.output = require("orch.fs.path").absolute(place.resolve(o.output)) end
  fs.mkdir(work.output)
  if not o.config then return work end
  work.home = path .. "/home"
  for _, home in ipairs(homes) do
    local folder = ("%s/%s/config"):format(work.home, home)
    fs.mkdir(folder)
    fs.write(folder .. "/config.vdf", config_of(o.config), { mode = PRIVATE })
  end
  return work
end

---@return table<string, string>?
function script.environment(o, work)
  local home = work.home or o.home and require("orch.fs.path").absolute(place.resolve(o.home))
  return home and { HOME = home, STEAM_HOME = home .. "/Steam" } or nil
end

---Writes the scripts of a build.
---@async
---@return string path of the app's one
function script.build(o, work, depots)
  local fs = require "orch.fs"
  for _, depot in ipairs(depots) do
    fs.write(("%s/depot_build_%d.vdf"):format(work.path, depot.id), depot_script(depot))
  end
  local path = ("%s/app_build_%d.vdf"):format(work.path, o.app)
  fs.write(path, app_script(o, work, depots))
  return path
end

---Writes the commands of one run.
---@async
---@param commands string[]
---@return string path
function script.commands(o, work, commands)
  local list = { "@ShutdownOnFailedCommand 1", "@NoPromptForPassword 1" }
  if o.guard then list[#list + 1] = "set_steam_guard_code " .. o.guard end
  list[#list + 1] = ("login %s%s"):format(o.user, o.password and ' "' .. o.password .. '"' or "")
  table.move(commands, 1, #commands, #list + 1, list)
  list[#list + 1] = "quit\n"
  local path = work.path .. "/commands.txt"
  require("orch.fs").write(path, table.concat(list, "\n"), { mode = PRIVATE })
  return path
end

--- name -> bytes of the logs of builds of this app.
local function logs(o, work)
  local fs, sizes = require "orch.fs", {}
  for _, path in ipairs(fs.glob(("%s/*%d*.log"):format(work.output, o.app))) do
    sizes[path] = fs.stat(path).size
  end
  return sizes
end

---What steamcmd writes into its logs from now on, in the place of what it may not print.
---@async
---@return async fun(output: orch.deploy.steam.Output)
function script.follow_logs(o, work)
  local before = logs(o, work)
  return function(output)
    for path, size in next, logs(o, work) do
      local from = before[path] or 0
      if size < from then from = 0 end -- written anew
      local text = require("orch.fs").read(path, { offset = from })
      for line in text:gmatch "[^\r\n]+" do
        if not output.finished then output:line(line) end
      end
    end
  end
end

return script

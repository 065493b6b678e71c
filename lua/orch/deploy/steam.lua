--- Builds for Steam, by Valve's program steamcmd.
---
---     orch.deploy.steam.upload { app = 480, depots = { [481] = "out/win", [482] = "out/linux" },
---       user = "studio_build", config = keys.STEAM_CONFIG_VDF, branch = "beta",
---       description = "1.4.2" }
---
--- The login: `config` is the text (or base64) of config/config.vdf of a machine that logged in
--- once: it has a token, so that Steam Guard asks nothing. Or `home`: the folder that a login on
--- this machine used. Or `password`, with a code as `guard` where Steam asks for one. Secrets go
--- into files for their owner only, never onto a command line.
---
--- An upload counts when steamcmd says "Successfully finished AppID ... build (BuildID ...)",
--- whatever its exit code is. Steam sends only what is new in a depot, but every upload makes a
--- new build, and there is no way to ask for a version: put the call into `orch.step`.
---
--- The scripts follow Valve's "Uploading to Steam" (SteamPipe; Steamworks SDK 1.6x). What steamcmd
--- prints is described nowhere; it was taken from logs that users show: clients of 2021 to 2026
--- ("Steam Console Client (c) Valve Corporation - version 1694466999"). Tried against a program
--- that prints the same, never against Steam.

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local folders = require "orch.deploy.folder"
local outputs = require "orch.deploy.steam.output"
local paths = require "orch.fs.path"
local retry = require "orch.retry"
local scripts = require "orch.deploy.steam.script"
local tool = require "orch.deploy.tool"
local vdf = require "orch.deploy.steam.vdf"

local steam = {}

local STALL = 30 * 60 -- into a pipe steamcmd prints in large pieces
local INSTALL = "install steamcmd (https://developer.valvesoftware.com/wiki/SteamCMD) or name it "
  .. "with the option `steamcmd`"

local login = {
  app = "integer", user = "string", password = "string", guard = "string", config = "string",
  home = "path", steamcmd = "path", stall = "duration",
}
local upload_options = common.merged(login, {
  depots = "table", folder = "path", exclude = "string|table", branch = "string",
  description = "string", preview = "boolean", output = "path",
})

---@class orch.deploy.steam.Login
---@field app integer
---@field user string of an account that may only build
---@field config string? the text, or base64, of a config.vdf
---@field home orch.Path? what HOME is for steamcmd, where a login is remembered
---@field password string?
---@field guard string? a code of Steam Guard
---@field steamcmd orch.Path? the program
---@field stall number|string|nil kind `timeout` when it prints nothing for so long, "30m"

---@class orch.deploy.steam.Options: orch.deploy.steam.Login, orch.deploy.Options
---@field depots table<integer, orch.Path|{folder: orch.Path, exclude: string|string[]|nil}>|nil
---@field folder orch.Path? of the only depot, which has the number of the app plus 1
---@field exclude string|string[]|nil patterns that no depot gets, "*.pdb"
---@field branch string? where the build goes live; Steam does not allow that for "default"
---@field description string? that partners see
---@field preview boolean? true: Steam's own dry run, which reads all files and sends nothing
---@field output orch.Path? a folder for steamcmd's logs and its cache of what was sent

---@class orch.deploy.steam.Result: orch.deploy.Result
---@field app integer
---@field build_id integer? not of a preview
---@field branch string?
---@field depots integer[]
---@field url string for people

local function check_login(fname, o)
  if o.app < 1 then arg.fail("%s: option `app` should be the number of an app", fname) end
  if o.config and o.home then
    arg.fail("%s: the options `config` and `home` exclude each other", fname)
  end
  if not o.user:find "^[%w_.@-]+$" then
    arg.fail("%s: option `user` should be the name of an account, not %q", fname, o.user)
  end
  for _, name in ipairs { "password", "guard", "config" } do
    if o[name] then require("orch.secrets").cover(o[name]) end
  end
end

--- What is sent: { id =, path =, exclude = } by number, and the bytes of all.
local function depots_of(fname, o)
  if (o.depots and 1 or 0) + (o.folder and 1 or 0) ~= 1 or o.depots and not next(o.depots) then
    arg.fail("%s needs `depots` = { [number] = folder }, or the `folder` of the only one", fname)
  end
  if o.file then arg.fail("%s takes folders, not a `file`", fname) end
  local list, total = {}, 0
  for id, what in next, o.depots or { [o.app + 1] = o.folder } do
    if type(what) == "string" then what = { folder = what } end
    if not math.tointeger(id) or type(what) ~= "table" or type(what.folder) ~= "string" then
      arg.fail('%s: `depots` should be { [481] = "out/win" } or { [481] = { folder = "out/win", '
        .. 'exclude = "*.pdb" } }', fname)
    end
    local files = folders.open(fname, what.folder, {})
    total = total + files.total
    list[#list + 1] = { id = id, path = paths.absolute(files.path), shown = what.folder,
      exclude = scripts.patterns(o.exclude, what.exclude) }
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list, total
end

--- Runs steamcmd with commands; they are in a file, as one of them may have a password, which
--- is gone as soon as it has been read: a kill -9 leaves none behind.
local function run(o, output, work, commands)
  local path = scripts.commands(o, work, commands)
  return tool.run {
    service = "steam", what = output.what, stall = o.stall or STALL,
    argv = { o.steamcmd, "+runscript", path }, env = scripts.environment(o, work),
    on_line = function(line)
      output:line(line)
      if path and output.logging_in then
        require("orch.core.remove").remove_now(path)
        path = nil
      end
    end,
    on_rest = function(text) output:rest(text) end,
  }
end

local function unconfirmed(output, result, tail, lacking)
  tool.unconfirmed { service = "steam", program = "steamcmd", what = output.what,
    result = result, tail = tail, lacking = lacking }
end

local function build(o, work, depots)
  local output = outputs.new(("upload a build of app %d"):format(o.app), tostring(o.app))
  local script = scripts.build(o, work, depots)
  local read_logs = scripts.follow_logs(o, work)
  local ok, result, tail = pcall(run, o, output, work, { ('run_app_build "%s"'):format(script) })
  read_logs(output) -- what it prints into a pipe may be cut off, and may never come
  if output.finished then return output end
  if not ok then error(result, 0) end
  output:check(result, tail)
  unconfirmed(output, result, tail, "that the build is finished")
end

local function only_log_in(o, work)
  local output = outputs.new "log in"
  local result, tail = run(o, output, work, {})
  output:check(result, tail)
  if not output.logged_in then unconfirmed(output, result, tail, "that the login is good") end
end

---Sends folders as depots of a new build.
---@async
---@param opts orch.deploy.steam.Options
---@return orch.deploy.steam.Result result raises kind `auth` (also where Steam Guard asks for a
---  code), `rejected`, `network`, `process` with steamcmd's words, `timeout` for a stall, `os`
---  without steamcmd
function steam.upload(opts)
  local fname = "deploy.steam.upload"
  local o = common.options(fname, opts, upload_options, { "app", "user" })
  check_login(fname, o)
  local depots, total = depots_of(fname, o)
  scripts.check(fname, o, depots)
  o.steamcmd = tool.find("steam", o.steamcmd or "steamcmd", INSTALL)
  local work <close> = scripts.folder(o)
  local started, ids, shown = clock.now(), {}, {}
  for i, depot in ipairs(depots) do
    ids[i] = depot.id
    shown[i] = ("%s as depot %d"):format(depot.shown, depot.id)
  end
  local result = { service = "steam", file = depots[1].shown, size = total, bytes = 0,
    app = o.app, branch = o.branch, depots = ids,
    url = ("https://partner.steamgames.com/apps/builds/%d"):format(o.app) }
  if o.dry_run then
    only_log_in(o, work)
    result.dry_run = true
    result.would = ("would upload %s (%s) of app %d"):format(table.concat(shown, ", "),
      common.size(total), o.app)
    result.elapsed = clock.now() - started
    return result
  end
  local output = retry(function() return build(o, work, depots) end, tool.policy(o.retry))
  result.build_id, result.bytes = output.build_id, o.preview and 0 or total
  result.elapsed = clock.now() - started
  return result
end

---@class orch.deploy.steam.Status
---@field exists boolean
---@field app integer
---@field branches table<string, {build_id: integer, description: string?, updated: integer?}>

---The builds that the branches of an app have.
---@async
---@param opts orch.deploy.steam.Login
---@return orch.deploy.steam.Status
function steam.status(opts)
  local fname = "deploy.steam.status"
  local o = common.options(fname, opts, login, { "app", "user" })
  check_login(fname, o)
  o.steamcmd = tool.find("steam", o.steamcmd or "steamcmd", INSTALL)
  local work <close> = scripts.folder(o)
  local output = outputs.new(("ask for app %d"):format(o.app), nil, true)
  local result, tail = run(o, output, work,
    { "app_info_update 1", ("app_info_print %d"):format(o.app) })
  output:check(result, tail)
  local text = table.concat(output.lines, "\n")
  local found = vdf.find(text, "branches")
  if not found and (text:find('"branches"', 1, true) or not output.logged_in) then
    unconfirmed(output, result, tail, "all that it knows of the app")
  end
  local about = { exists = found ~= nil, app = o.app, branches = {} }
  for name, branch in next, found or {} do
    if type(branch) == "table" then
      about.branches[name] = { build_id = math.tointeger(branch.buildid),
        description = branch.description, updated = math.tointeger(branch.timeupdated) }
    end
  end
  return about
end

---Whether a build is live on a branch.
---@async
---@param opts orch.deploy.steam.Login|{build_id: integer, branch: string?} branch: "public"
---@return boolean
function steam.exists(opts)
  local fname = "deploy.steam.exists"
  local spec = common.merged(login, { build_id = "integer", branch = "string" })
  local o = common.options(fname, opts, spec, { "app", "user", "build_id" })
  local asked = {}
  for name in next, login do asked[name] = o[name] end
  local branch = steam.status(asked).branches[o.branch or "public"]
  return branch ~= nil and branch.build_id == o.build_id
end

return arg.public("orch.deploy.steam", steam)

--- The doing of a plan: folders, files over a few connections, what is to go. Progress counts the
--- bytes of files that are on their way as well.

local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local folders = require "orch.deploy.folder"
local map = require "orch.map"
local scopes = require "orch.scope"
local sender = require "orch.deploy.remote.send"
local sync = require "orch.deploy.sync"
local trees = require "orch.deploy.remote.tree"

local work = {}

local REPORT <const> = 0.1 -- seconds
local TOGETHER <const> = 50 -- commands in one request

--- Whether it is there after all: another upload may have made it.
local function make_one(session, name)
  local what = ("make the folder '%s'"):format(session.at:url(name, true))
  local ok, err = pcall(session.run, session, what, session.command.make(session.at:path(name)))
  if ok then return end
  if not errors.is(err) or err.kind ~= "rejected" or not session:list(name) then error(err, 0) end
end

--- The folder of the upload itself, with those above it.
local function make_base(session)
  local at, above = session.at, {}
  while at and at.base ~= "" and at.base ~= "/" do
    local probe = session:at_folder(at)
    if probe:list "" then break end
    table.insert(above, 1, probe)
    at = at:parent()
  end
  for _, one in ipairs(above) do one:again(function() make_one(one, "") end) end
end

---@async
---@param run table
---@param make string[] those above first
function work.make_folders(run, make)
  local session, levels = run.session, {}
  for _, name in ipairs(make) do
    local depth = select(2, name:gsub("/", "")) + 1
    levels[depth] = levels[depth] or {}
    table.insert(levels[depth], name)
  end
  if make[1] == "" then make_base(session) end
  for depth = 1, 256 do
    if not levels[depth] then break end
    local groups = {} -- as many as connections, which have to log in anyway
    for i, name in ipairs(levels[depth]) do
      local group = (i - 1) % run.o.connections + 1
      groups[group] = groups[group] or {}
      if name ~= "" then table.insert(groups[group], name) end
    end
    map.each(groups, function(names)
      local commands = {}
      for _, name in ipairs(names) do
        table.insert(commands, session.command.make(session.at:path(name))[1])
      end
      if not commands[1] then return end
      local ok = pcall(session.run, session, "make folders", commands)
      if ok then return end
      for _, name in ipairs(names) do -- which one, and is it there already?
        session:again(function() make_one(session, name) end)
      end
    end, { concurrency = run.o.connections })
  end
end

--- The bytes of files that are on their way, now and then.
local function report(busy)
  while true do
    clock.sleep(REPORT)
    for _, one in next, busy do
      local ok, _, _, sent = pcall(function() return one.meter.exchange:progress() end)
      if ok then one.count(math.min((one.meter.base or 0) + (sent or 0), one.file.size)) end
    end
  end
end

--- A server may allow fewer connections than were asked for.
local function is_crowded(err)
  if not errors.is(err) then return false end
  local said = (err.reply or ""):lower()
  return said:find "^421" ~= nil or said:find "too many" ~= nil or said:find "maximum" ~= nil
end

--- How many of the files, which are in order, are no pages. What nobody sees yet may come as it
--- likes.
local function before_pages(run, files)
  local n = #files
  while n > 0 and not run.switching and sync.is_page(files[n]) do n = n - 1 end
  return n
end

---@async
---@param run table `session`, `o`, `fname`, `journal`, `switching`
---@param files orch.deploy.FolderFile[]
---@return integer resumed bytes that were there already
function work.send(run, files)
  local at, last, resumed, working, busy = 0, 0, 0, 0, {}
  local again = {}
  local shown <close> = folders.progress(run.fname, run.o.progress, files.bytes)
  local function next_file()
    local returned = table.remove(again)
    if returned or at == last then return returned end
    at = at + 1
    return files[at]
  end
  local function send_one(file, mine)
    mine.file, mine.count, mine.meter = file, shown:file(), {}
    if run.switching and file.size < 1 << 20 then
      sender.plain(run, file, mine.meter)
    else
      local before = sender.file(run, file, mine.meter)
      resumed = resumed + before
    end
    mine.count(file.size)
    run.journal:add(file)
  end
  local function connection(number)
    local mine, file = {}, next_file()
    working = working + 1
    busy[number] = mine
    while file do
      local ok, err = pcall(send_one, file, mine)
      if not ok and not (working > 1 and is_crowded(err)) then error(err, 0) end
      if not ok then
        again[#again + 1] = file
        break
      end
      file = next_file()
    end
    busy[number], working = nil, working - 1
  end
  local s <close> = scopes.scope { name = "upload" }
  local reporter = run.o.progress and s:spawn({ daemon = true }, report, busy)
  for _, upto in ipairs { before_pages(run, files), #files } do
    last = upto
    local numbers = {}
    for i = 1, math.min(run.o.connections, last - at) do numbers[i] = i end
    map.each(numbers, connection, { concurrency = run.o.connections })
    if again[1] then connection(1) end -- the others had ended meanwhile
  end
  if reporter then reporter:cancel() end
  return resumed
end

---@async
---@param run table
---@param plan orch.deploy.remote.Plan
function work.remove(run, plan)
  local session, groups = run.session, {}
  local names = table.move(plan.remove, 1, #plan.remove, 1, {})
  table.move(plan.stale, 1, #plan.stale, #names + 1, names)
  for i, name in ipairs(names) do
    local group = (i - 1) // TOGETHER + 1
    groups[group] = groups[group] or {}
    table.insert(groups[group], session.command.remove(session.at:path(name))[1])
  end
  map.each(groups, function(commands)
    session:again(function(n)
      session:run("remove files that are not here any more", n == 1 and commands
        or require("orch.deploy.remote.command").may_fail(commands))
    end)
  end, { concurrency = run.o.connections })
  for _, name in ipairs(plan.remove_folders) do
    session:run(("remove the folder '%s'"):format(name),
      session.command.remove_folder(session.at:path(name)))
  end
end

---Removes a folder with all that is in it.
---@async
---@param session orch.deploy.remote.Session of that folder
---@param connections integer
function work.remove_all(session, connections)
  local tree = trees.look(session, {}, { connections = connections, deep = true })
  local plan = { remove = {}, remove_folders = {}, stale = {} }
  for folder, entries in next, tree.folders do
    for leaf, entry in next, entries or {} do
      local name = folder == "" and leaf or folder .. "/" .. leaf
      table.insert(entry.type == "folder" and plan.remove_folders or plan.remove, name)
    end
  end
  table.sort(plan.remove_folders, function(a, b) return a > b end)
  work.remove({ session = session, o = { connections = connections } }, plan)
  if tree:has "" then
    session:run(("remove the folder '%s'"):format(session.at:url("", true)),
      session.command.remove_folder(session.at:path ""))
  end
end

return work

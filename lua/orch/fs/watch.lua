--- Changes below a path, in batches.
---
---     for changes in fs.watch("src") do build() end

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local core = require "orch.core.watch"
local entry = require "orch.core.entry"
local errors = require "orch.core.error"
local path = require "orch.fs.path"
local pattern = require "orch.fs.pattern"
local place = require "orch.place"
local unclosed = require "orch.unclosed"

local options = {
  recursive = "boolean", debounce = "duration", match = "string|table",
  exclude = "string|table",
}

--- A steady stream of changes is cut into batches of so many debounce times.
local PATIENCE = 20

local Watch = {}
Watch.__index = Watch
Watch.__name = "orch.fs.watch"

--- Not the watch itself: the collector frees what it holds, also when nobody else does.
local Open = {
  leak = "the fs.watch of %s was never closed: write `local w <close> = fs.watch(...)`, "
    .. "or `for changes in fs.watch(...) do`",
}

--- What two changes of one path within a batch come to; false: nothing.
local together = {
  created = { removed = false, changed = "created", created = "created" },
  changed = { removed = "removed", changed = "changed", created = "changed" },
  removed = { removed = "removed", changed = "changed", created = "changed" },
}

local function note(self, full, kind)
  local shown = self.prefix .. full:sub(self.strip)
  if self.only and full ~= self.only then return end
  local relative = full:sub(self.strip):gsub("^/+", "")
  if not self.wanted(relative == "" and "." or relative) then return end
  local before = self.pending[shown]
  if before then kind = together[before][kind] end
  self.pending[shown] = kind or nil
end

--- Watches what is below a new folder, too; its entries are new as well.
local function add(self, full, kind)
  local found = core.add(self.handle, full, self.recursive,
    self.prefix .. full:sub(self.strip))
  for i = 1, #found, 2 do
    if found[i] ~= -1 then self.folders[found[i]] = found[i + 1] end
    if kind then note(self, found[i + 1], kind) end
    self.known[found[i + 1]] = true
  end
end

--- A folder that moved away keeps its watches; they would tell wrong paths.
local function forget(self, full)
  local function is_below(p)
    return p == full or p:sub(1, #full + 1) == full .. "/"
  end
  for wd, folder in pairs(self.folders) do
    if is_below(folder) then
      self.folders[wd] = nil
      core.forget(self.handle, wd)
    end
  end
  for p in pairs(self.known) do
    if is_below(p) then self.known[p] = nil end
  end
end

local function is(mask, flag)
  return mask & flag ~= 0
end

local function on_entry(self, full, mask)
  if is(mask, core.CREATE | core.MOVED_TO) then
    if is(mask, core.FOLDER) and self.recursive then
      add(self, full, "created")
    else -- a file that replaced another one is that file, changed
      note(self, full, self.known[full] and "changed" or "created")
      self.known[full] = true
    end
  elseif is(mask, core.DELETE | core.MOVED_FROM) then
    if is(mask, core.FOLDER) then forget(self, full) end
    self.known[full] = nil
    note(self, full, "removed")
  elseif not is(mask, core.FOLDER) then
    note(self, full, "changed")
  end
end

local function on_event(self, wd, mask, name)
  local folder = self.folders[wd]
  if is(mask, core.OVERFLOW) then
    self.overflow = true
    add(self, self.root)
  elseif not folder then
    return
  elseif is(mask, core.GONE) then
    self.folders[wd] = nil
    if folder == self.root then self.gone = self.gone or "removed" end
  elseif is(mask, core.SELF_DELETED | core.SELF_MOVED) then
    if folder == self.root then
      note(self, folder, "removed")
      self.gone = is(mask, core.SELF_MOVED) and "moved away" or "removed"
    end
  elseif name ~= "" then
    on_entry(self, path.join(folder, name), mask)
  elseif is(mask, core.MODIFY | core.WRITTEN) then
    note(self, folder, "changed")
  end
end

local function take(self, seconds)
  local events = core.read(self.handle, seconds)
  for i = 1, #events, 3 do
    if not self.handle then break end
    on_event(self, events[i], events[i + 1], events[i + 2])
  end
  return #events > 0
end

--- A file that has no name yet is reported as "#" and its inode. Is there really a
--- file of that name?
local function drop_nameless(self)
  for shown in pairs(self.pending) do
    if shown:find("/#%d+$") and not entry.exists(place.resolve(shown), false) then
      self.pending[shown] = nil
    end
  end
end

local function batch(self)
  local list = { overflow = self.overflow }
  for shown, kind in pairs(self.pending) do
    list[#list + 1] = { path = shown, kind = kind }
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  self.pending, self.overflow = {}, nil
  return list
end

local function raise_gone(self)
  local how, name = self.gone, self.prefix
  self:close()
  errors.throw(errors.make {
    kind = "os", code = "ENOENT", path = name,
    message = ("the %s '%s' was %s"):format(
      self.only and "folder of the watched file" or "watched folder", name, how),
  })
end

---Waits for changes; nil once it is closed. When the watched folder is removed or moved
---away, that is told as a change, and the next call raises kind `os`.
---@async
---@return {path: string, kind: "created"|"changed"|"removed"}[]? changes sorted by
---  path; its field `overflow` says that the kernel lost some: look at everything
function Watch:next()
  while self.handle and not self.gone do
    take(self, math.huge)
    local latest = clock.now() + PATIENCE * self.debounce
    while self.handle and clock.now() < latest and take(self, self.debounce) do end
    drop_nameless(self)
    if next(self.pending) or self.overflow then return batch(self) end
  end
  if self.handle then raise_gone(self) end
end

Watch.__call = Watch.next

---Stops watching; a task that waits on it gets nil.
function Watch:close()
  unclosed.remove(self.open)
  if self.handle then core.close(self.handle) end
  self.handle = nil
end

Watch.__close = Watch.close

local function watch(root, opts)
  arg.check("fs.watch", 1, root, "path")
  opts = arg.options("fs.watch", opts, options)
  local full = path.absolute(place.resolve(root))
  local wanted = pattern.compile("fs.watch", 2, opts.match or "**")
  local allowed = opts.exclude
    and pattern.compile_exclusions("fs.watch", 2, opts.exclude)
  local self = setmetatable({
    root = full, prefix = (root:gsub("(.)/+$", "%1")), strip = #full + 1,
    recursive = opts.recursive ~= false, debounce = opts.debounce or 0.05,
    folders = {}, known = {}, pending = {}, open = setmetatable({}, Open),
    wanted = function(p)
      return p == "." or (wanted(p) and (not allowed or allowed(p)))
    end,
  }, Watch)
  self.handle = core.open()
  if entry.exists(place.resolve(root), true) and entry.stat(full, true).type ~= "folder" then
    -- An editor replaces a file: watching the file itself would lose it.
    self.only, self.root, self.recursive = full, path.dirname(full), false
  end
  add(self, self.root)
  unclosed.add(self.open)
  return self, nil, nil, self
end

return watch

--- A walk through a tree, entry by entry.
---
---     for entry in fs.walk("Assets", { type = "file" }) do print(entry.path) end

local arg = require "orch.arg"
local checkpoint = require("orch.task").checkpoint
local core = require "orch.core.walk"
local pattern = require "orch.fs.pattern"
local place = require "orch.place"

local options = {
  match = "string|table", exclude = "string|table", type = "string",
  depth = "integer", hidden = "boolean", follow = "boolean", stat = "boolean",
  unreadable = "string",
}

--- Entries read at a time: the first are soon there, many cost few trips.
local FIRST, BATCH = 32, 1024

local function choices(opts)
  if opts.type and not ({ file = 1, folder = 1, link = 1 })[opts.type] then
    arg.fail("fs.walk: option `type` should be file, folder or link, not %s", opts.type)
  end
  if opts.unreadable and opts.unreadable ~= "skip" and opts.unreadable ~= "raise" then
    arg.fail("fs.walk: option `unreadable` should be raise or skip, not %s",
      opts.unreadable)
  end
  local includes, excludes = {}, {}
  if opts.match then
    includes, excludes = pattern.parse("fs.walk", 2, opts.match)
  end
  if opts.exclude then
    local more = pattern.parse("fs.walk", 2, opts.exclude)
    table.move(more, 1, #more, #excludes + 1, excludes)
  end
  return includes, excludes
end

local function walk(root, opts)
  arg.check("fs.walk", 1, root, "path")
  opts = arg.options("fs.walk", opts, options)
  local includes, excludes = choices(opts)
  local handle = core.open(place.resolve(root), includes, excludes, {},
    opts.depth or 0, opts.type or "", {
      hidden = opts.hidden ~= false, follow = opts.follow, stat = opts.stat,
      skip_unreadable = opts.unreadable == "skip",
    })
  local prefix = root:gsub("/+$", "") .. "/"
  local batch, i = core.next(handle, FIRST, prefix), 0
  return function()
    if not batch then return nil end
    i = i + 1
    if batch[i] then
      checkpoint()
      return batch[i]
    end
    batch, i = core.next(handle, BATCH, prefix), 1
    return batch and batch[1]
  end
end

return walk

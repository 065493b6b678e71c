--- `orch check --diff`: what fixes would change, tried on copies.
---
---     fix_diff { review = review, result = result, unsafe = true, write = io.write }

local errors = require "orch.core.error"
local fixes = require "orch.check.fix"
local fs = require "orch.fs"
local pictures = require "orch.check.fix_pictures"
local say = require "orch.check.report.say"
local text_diff = require "orch.check.text_diff"
local tty = require "orch.tty"

local LARGEST = 1 << 20 -- bytes of a text of which lines are shown
local LINES = 200

local function is_text(bytes)
  return #bytes <= LARGEST and not bytes:find("\0", 1, true) and utf8.len(bytes) ~= nil
end

local function endings(text)
  local _, all = text:gsub("\n", "")
  local _, windows = text:gsub("\r\n", "")
  return all, windows
end

--- Only line ends: a diff would be the whole text twice.
local function endings_line(before, after)
  if before == after or before:gsub("\r\n", "\n") ~= after:gsub("\r\n", "\n") then return nil end
  local lines, was = endings(before)
  local _, is = endings(after)
  return ("only line ends: of %s, %d end with CR LF instead of %d"):format(say.count(lines, "line"),
    is, was)
end

local function diff_lines(before, after, paint)
  local line = endings_line(before, after)
  if line then return { "  " .. line } end
  local out, all = {}, text_diff(before, after)
  local colors = { ["-"] = "bad", ["+"] = "good", ["@"] = "dim" }
  for i = 1, math.min(#all, LINES) do
    local shown, color = say.text((all[i]:gsub("\t", "→ "))), colors[all[i]:sub(1, 1)]
    out[i] = color and paint(shown, color) or shown
  end
  if #all > LINES then out[#out + 1] = ("  and %d more lines"):format(#all - LINES) end
  return out
end

--- What an image's header says, as far as it can be put in a few words.
local FIELDS = { "width", "height", "channels", "bits", "colorspace", "icc", "gamma", "mips",
  "frames", "compression", "orientation" }

local function image_lines(before, after)
  local image = require "orch.image"
  local ok, old = pcall(image.info, before)
  local good, new = pcall(image.info, after)
  if not (ok and good) then return nil end
  local out = {}
  for _, field in ipairs(FIELDS) do
    if old[field] ~= new[field] then
      out[#out + 1] = ("  %s: %s -> %s"):format(field, tostring(old[field] or "none"),
        tostring(new[field] or "none"))
    end
  end
  return out
end

local function bytes_line(before, after)
  return ("  %s -> %s bytes"):format(say.number(fs.stat(before).size),
    say.number(fs.stat(after).size))
end

local function changed_lines(before, after, paint)
  local list = image_lines(before, after)
  if list then
    list[#list + 1] = bytes_line(before, after)
    return list
  end
  local old, new = fs.read(before), fs.read(after)
  if is_text(old) and is_text(new) then return diff_lines(old, new, paint) end
  return { bytes_line(before, after) }
end

local words = { changed = "would change", created = "would make", removed = "would remove" }

local function show(copy, changes, item, write, paint)
  for _, change in ipairs(changes) do
    write(("%s %s   %s\n"):format(words[change.kind], paint(say.name(change.path), "strong"),
      paint(("(%s, %s)"):format(say.line(item.fix.label), item.rule.id), "dim")))
    local before, after = copy.before .. "/" .. change.name, copy.work .. "/" .. change.name
    local lines = {}
    if change.kind == "changed" then
      lines = changed_lines(before, after, paint)
    elseif change.kind == "created" then
      local new = fs.read(after)
      lines = is_text(new) and diff_lines("", new, paint)
        or { ("  %s bytes"):format(say.number(#new)) }
    end
    for _, line in ipairs(lines) do write(line .. "\n") end
    write "\n"
  end
end

local function preview(base, n, request, item, out)
  local own = ("%s/%d"):format(base, n)
  local ok, copy, changes = xpcall(fixes.try, errors.handler, own, request, item)
  if not ok then
    return ("%s: %s would fail: %s\n\n"):format(say.name(item.finding.path),
      say.line(item.fix.label), fixes.why(copy))
  end
  local one = { path = item.finding.path, rule = item.rule.id, fix = item.finding.fix,
    label = item.fix.label, safe = item.fix.safe }
  pictures.add(one, changes, copy.before .. "/", copy.work .. "/")
  out[#out + 1] = one
  return nil, copy, changes
end

---Tries all fixes, the first of each file, and shows what they would do.
---@async
---@param ask {review: orch.check.Review, result: orch.check.Result, unsafe: boolean?, write: (fun(text: string))?}
---@return orch.check.Result result with `preview`: what would be fixed, with pictures
return function(ask)
  local request = { folder = ask.review.folder, ruleset = ask.review.ruleset, unsafe = ask.unsafe }
  local plan, tried = nil, {}
  plan = fixes.plan(request, ask.result, tried)
  local write = ask.write or function() end
  local paint = require "orch.view.paint"(tty.color "stdout")
  local base, out = fs.temp_dir(), {}
  for n, item in ipairs(plan) do
    local problem, copy, changes = preview(base, n, request, item, out)
    if problem then write(problem) else show(copy, changes, item, write, paint) end
  end
  local further = #fixes.plan(request, ask.result, tried)
  write(#plan == 0 and "nothing here can be fixed" .. (ask.unsafe and "" or " safely") .. "\n\n"
    or ("%s would be fixed; nothing was changed%s\n\n"):format(say.count(#out, "file"),
      further > 0 and (" (%s would follow)"):format(say.count(further, "further fix",
        "further fixes")) or ""))
  ask.result.preview = out
  return ask.result
end

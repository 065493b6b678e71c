-- All rules that come with orch over assets that are cut off and scrambled: each is told of in
-- words about the file, and no rule fails on one.

local engine = require "orch.check.engine"
local fs = orch.fs
local load = require "orch.check.load"

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/data"

--- A few bytes become others, most of them near the beginning, where headers are.
local function scrambled(text)
  local places = {}
  for _ = 1, math.random(1, 12) do
    places[math.random(1, math.random() < 0.7 and math.min(#text, 256) or #text)] = true
  end
  local out, from = {}, 1
  for at = 1, #text do
    if places[at] then
      out[#out + 1], from = text:sub(from, at - 1) .. string.char(math.random(0, 255)), at + 1
    end
  end
  return table.concat(out) .. text:sub(from)
end

local function broken_assets(folder)
  local n = 0
  for _, path in ipairs(fs.glob({ "audio/**", "gltf/**", "images/**", "unity/**" },
    { cwd = root, type = "file" })) do
    local stat = fs.stat(root .. "/" .. path)
    if stat.size > 0 and stat.size < 100000 then
      local text = fs.read(root .. "/" .. path)
      n = n + 1
      local cut = text:sub(1, math.random(0, #text))
      for kind, made in pairs { cut = cut, other = scrambled(text) } do
        local to = folder .. "/" .. kind .. "/" .. path
        fs.mkdir(fs.path.dirname(to))
        fs.write(to, made, { sync = false })
      end
    end
  end
  return n
end

it("rules do not fail on broken files", { timeout = "120s" }, function()
  local folder = fs.temp_dir()
  expect(broken_assets(folder)):greater_than(200)
  local result = engine.run { folder = folder, ruleset = load { shipped = true }, cache = false }
  local failed, unread = {}, 0
  for _, one in ipairs(result.findings) do
    if one.rule == "rule.broken" then
      failed[#failed + 1] = ("%s:%s %s (%s)"):format(one.path, one.line or 0, one.message,
        one.related and one.related[1] and one.related[1].path or "?")
    end
    if one.rule == "asset.broken" then unread = unread + 1 end
  end
  expect(failed):equals {}
  expect(unread):greater_than(100)
end)

--- Unity's scenes, prefabs, materials and other assets: how many objects, and the GUIDs of what
--- they refer to. Those that are serialised as binary are only recognised.

local references = require "orch.unity.references"

local function count_objects(text)
  local n, at = 0, text:find("\n--- ", 1, true)
  while at do
    n, at = n + 1, text:find("\n--- ", at + 5, true)
  end
  return n
end

local function read(source)
  local why, what = references.unreadable(source.head)
  if what == "binary" then return { binary = true } end
  if why then source:fail("it %s", why) end
  if source.head:sub(1, 5) ~= "%YAML" then source:fail_at(0, "it does not begin with %YAML") end
  local text, guids, seen = source:all(), {}, {}
  for guid, at, sure in references.scan(text) do
    if not seen[guid] and (sure or references.refers(text, at)) then
      seen[guid] = true
      guids[#guids + 1] = guid
    end
  end
  table.sort(guids)
  return { binary = false, objects = count_objects(text), references = guids }
end

return { format = "unity_yaml", kind = "unity", read = read,
  extensions = { "unity", "prefab", "asset", "mat", "anim", "controller" } }

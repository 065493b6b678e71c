-- glTF against the Khronos validator: the same verdict on every file of its own suite and of
-- some real models, and nearly the same issues. What differs is named here, with the reason.

local fs, gltf, json = orch.fs, orch.gltf, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/gltf/"

local expected = json.load(data .. "expected.json")

--- Files whose issues are not all the same, and why.
local differs = {
  ["validator/base/data/animation/empty_objects.gltf"] =
    "the validator's pointer has a part too many: /animations/2/channels/0/samplers/0",
}

local function as_text(issue)
  return ("%s %s %s"):format(issue.severity, issue.code,
    issue.pointer or ("@%d"):format(issue.offset))
end

local function sorted(list)
  table.sort(list)
  return list
end

local function errors_of(list)
  local result = {}
  for _, text in ipairs(list) do
    if text:find "^error " then result[#result + 1] = text end
  end
  return result
end

local function codes_of(list)
  local set = {}
  for _, text in ipairs(errors_of(list)) do set[text:match "^error (%S+)"] = true end
  local codes = {}
  for code in pairs(set) do codes[#codes + 1] = code end
  return sorted(codes)
end

local function same(a, b)
  return table.concat(a, "\n") == table.concat(b, "\n")
end

local columns = { "verdict", "error codes", "error pointers", "everything" }

--- Which of the columns are the same for a file.
local function compare(path, wanted)
  local found = {}
  for i, issue in ipairs(gltf.validate(data .. path, { max_issues = 100000 }).issues) do
    found[i] = as_text(issue)
  end
  wanted, found = sorted(wanted), sorted(found)
  local wanted_errors, found_errors = errors_of(wanted), errors_of(found)
  return {
    (#wanted_errors == 0) == (#found_errors == 0), same(codes_of(wanted), codes_of(found)),
    same(wanted_errors, found_errors), same(wanted, found),
  }, found
end

describe("gltf.validate and the Khronos validator", function()
  local paths = {}
  for path in pairs(expected) do paths[#paths + 1] = path end
  table.sort(paths)

  it("agree on every file", function()
    local totals, agree, others, wrong = {}, {}, {}, {}
    for _, path in ipairs(paths) do
      local group = path:match "^[^/]*"
      totals[group], agree[group] = (totals[group] or 0) + 1, agree[group] or { 0, 0, 0, 0 }
      local columns_same, found = compare(path, expected[path].issues)
      for i, good in ipairs(columns_same) do
        agree[group][i] = agree[group][i] + (good and 1 or 0)
      end
      if not columns_same[4] then others[#others + 1] = path end
      if not columns_same[3] or (not columns_same[4] and not differs[path]) then
        wrong[#wrong + 1] = path .. "\n    " .. table.concat(found, "\n    ")
      end
    end
    print(("%-10s %6s  %s"):format("glTF", "files", table.concat(columns, "  ")))
    for _, group in ipairs { "validator", "samples", "kenney" } do
      local n = agree[group]
      print(("%-10s %6d %8d %12d %15d %11d"):format(group, totals[group], n[1], n[2], n[3], n[4]))
    end
    for _, path in ipairs(others) do
      print(("  %s: %s"):format(path, differs[path] or "unknown"))
    end
    expect(table.concat(wrong, "\n")):equals ""
    expect(#others):equals(1)
    expect(totals.validator):equals(248)
  end)

  it("agree without a word on which attribute comes first", function()
    -- Of two attributes that disagree the later one is blamed, in the order of the text.
    local result = gltf.validate(data .. "validator/base/data/mesh/accessor_unequal_count.gltf")
    expect(result.issues[1].pointer):equals "/meshes/0/primitives/0/attributes/COLOR_0"
  end)

  it("give each code its severity in a report", function()
    local seen = {}
    for _, path in ipairs(paths) do
      for _, text in ipairs(expected[path].issues) do seen[text:match "^%l+ %S+"] = true end
    end
    local issue = require "orch.gltf.issue"
    for pair in pairs(seen) do
      local severity, code = pair:match "^(%l+) (%S+)$"
      expect(issue.severity(code)):equals(severity)
    end
  end)
end)

describe("model.info and the Khronos validator", function()
  it("count the same", function()
    local n = 0
    for path, entry in pairs(expected) do
      if entry.info then
        n = n + 1
        local info = orch.model.info(data .. path)
        expect { vertices = info.vertices, triangles = info.triangles,
          primitives = info.primitives, materials = #info.materials,
          animations = info.animations }:equals(entry.info)
      end
    end
    print(("glTF: vertices, triangles, primitives, materials, animations of %d files"):format(n))
    expect(n):greater_than(90)
  end)

  it("has an info or an Error of kind format for each file", function()
    for path in pairs(expected) do
      local ok, info = pcall(orch.model.info, data .. path)
      if not ok then expect(info.kind):equals "format" end
      expect(fs.exists(data .. path)):is(true)
    end
  end)
end)

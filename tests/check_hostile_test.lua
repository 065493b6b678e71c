-- `orch check` with the rules of orch over what no artist means to have in a project: each is one
-- sentence about that file, and all the others are looked at.

local fs, json = orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local nobody = dofile(here .. "/helper/nobody.lua")

local PNG = orch.image.encode { width = 8, height = 8, channels = 3, bits = 8,
  data = ("\1\2\3"):rep(64) }

-- A PNG whose header claims a size, with its checksum.
local function claims(width, height)
  local header = "IHDR" .. string.pack(">I4I4", width, height) .. PNG:sub(25, 29)
  return PNG:sub(1, 12) .. header .. string.pack(">I4", require("orch.asset.crc").of(header))
    .. PNG:sub(34)
end

local folder

local function put(name, text)
  fs.mkdir(fs.path.dirname(folder .. "/" .. name))
  fs.write(folder .. "/" .. name, text, { sync = false })
end

local function link(name, target)
  orch.process.run { "ln", "-s", target, folder .. "/" .. name }
end

local function told(result)
  expect(result.stderr):equals ""
  local list, decoded = {}, json.decode(result.stdout)
  for i, one in ipairs(decoded.findings) do
    list[i] = ("%s %s: %s"):format(one.rule, one.path, one.message)
  end
  return list, decoded
end

local function check(...)
  return told(test.run({ "check", "--json", ... }, { cwd = folder, timeout = "30s" }))
end

describe("orch check", function()
  before_each(function() folder = test.temp_dir() end)

  it("says of an empty file of any format that it is empty", function()
    local expected = {}
    for _, format in ipairs(require "orch.asset.formats") do
      local name = "a." .. format.extensions[1]
      put(name, "")
      if format.kind ~= "unity" then -- those are looked at in projects of Unity only
        local shown = format.kind == "font" and "font" or format.format:upper()
        expected[#expected + 1] = ("asset.broken %s: is not a valid %s: it is empty")
          :format(name, shown)
      end
    end
    expect(#expected):greater_than(22)
    local list = check()
    table.sort(list)
    table.sort(expected)
    expect(list):equals(expected)
  end)

  it("reads the header of a hole of 4 GB, and believes no size", function()
    put("T_Hole_D.png", PNG)
    orch.process.run { "truncate", "-s", "4G", folder .. "/T_Hole_D.png" }
    put("T_More_D.png", claims(1 << 31, 1))
    put("T_Most_D.png", claims((1 << 31) - 1, (1 << 31) - 1))
    expect((check("--rule", "texture.size", "--rule", "files.size"))):equals {
      "files.size T_Hole_D.png: 4096 MiB are more than the 95 MiB for this folder",
      "asset.broken T_More_D.png: is not a valid PNG: it is 2147483648 x 1 pixels large",
      "texture.size T_Most_D.png: 2147483647 x 2147483647 is bigger than the 2048 px budget for "
        .. "this folder",
    }
  end)

  it("takes a glTF that is nested without end for none", function()
    put("a.gltf", '{"asset":{"version":"2.0"},"extras":' .. ("["):rep(200000))
    expect((check())):equals {
      "asset.broken a.gltf: is not a valid GLTF: its JSON is none: line 1, column 1036: nested "
        .. "deeper than 1000 levels" }
  end)

  it("looks at nothing twice where links lead round in circles", function()
    put("Assets/Props/crate.png", PNG)
    link("Assets/Props/up", "..")
    link("Assets/self.png", "self.png")
    link("Assets/a", "b")
    link("Assets/b", "a")
    link("Assets/gone.png", "nowhere.png")
    local list, result = check()
    expect(list):equals {}
    expect(result.files):equals(1)
    for _, name in ipairs { "self.png", "gone.png" } do
      local refused = test.run({ "check", "Assets/" .. name }, { cwd = folder })
      expect({ refused.exit_code, refused.stderr }):equals { 2,
        ("orch: 'Assets/%s' is a link that leads nowhere\n"):format(name) }
    end
  end)

  it("waits for no pipe", function()
    put("crate.png", PNG)
    orch.process.run { "mkfifo", folder .. "/pipe.png" }
    expect((check())):equals {}
  end)

  it("shows names with line ends and bytes that are no UTF-8, and goes on", function()
    put("a\nb.png", PNG)
    put("c\xff.png", "")
    local result = test.run({ "check" }, { cwd = folder, timeout = "30s" })
    expect(result.stdout):contains "a\\nb.png"
    expect(result.stdout):contains "c\\xFF.png"
    local _, all = check()
    expect(all.counts):equals { error = 3, warning = 0, info = 0 }
  end)

  it("names the files and folders that it may not read", function()
    put("Assets/good.png", PNG)
    put("Assets/secret.png", PNG)
    put("Assets/Locked/inside.png", PNG)
    orch.process.run { "chmod", "000", folder .. "/Assets/secret.png", folder .. "/Assets/Locked" }
    orch.process.run { "chmod", "a+rx", folder }
    local _ <close> = orch.defer(function()
      orch.process.run { "chmod", "755", folder .. "/Assets/Locked" }
    end)
    local executable = require("orch.core.runtime").executable()
    local list, result = told(nobody.run { executable, "check", "--json", "--no-cache", "-C", folder,
      check = false })
    expect(list):equals {
      "asset.broken Assets/Locked: cannot be read: permission denied",
      "asset.broken Assets/secret.png: cannot read it: permission denied",
    }
    expect(result.files):equals(2)
  end)
end)

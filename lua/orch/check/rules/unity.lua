-- Unity projects, wherever in the tree they are: .meta files and the GUIDs in them. Nothing needs
-- to be set; to leave a folder out, add "!**/Assets/ThirdParty/**" to `files`.
-- Then: orch check --rule "unity.*"

local unity = orch.unity

local FILES = { "**/Assets/**", "**/Packages/**", "**/ProjectSettings/**" }
local VERSION = "ProjectSettings/ProjectVersion.txt"

local function plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

-- Calls `fn(facts, at)` for each project: its GUIDs, and the file at a path in it.
local function each_project(files, fn)
  for file in files:each() do
    if file.path == VERSION or file.path:sub(-#VERSION - 1) == "/" .. VERSION then
      local folder = file.path:sub(1, -#VERSION - 1)
      local facts = check.once("unity " .. folder, function()
        return unity.index(folder == "" and "." or folder)
      end)
      fn(facts, function(path) return files:at(folder .. path) end)
    end
  end
end

check "unity.meta-missing" {
  title = "Every asset has its .meta file",
  why = "Without it each computer gives the asset another GUID, and what uses it loses it.",
  scope = "project",
  files = FILES,
  run = function(files)
    each_project(files, function(facts, at)
      for _, one in ipairs(unity.missing(facts)) do
        at(one.path):problem {
          one.folder and "the folder has no .meta file" or "has no .meta file",
          wanted = one.path:match "[^/]*$" .. ".meta",
          hint = "open the project in Unity, and commit the .meta file that it makes",
        }
      end
    end)
  end,
}

check "unity.meta-orphaned" {
  title = "Every .meta file has its asset",
  why = "Unity deletes such files on each computer anew, or the asset was forgotten in the commit.",
  severity = "warning", scope = "project",
  files = FILES,
  run = function(files)
    each_project(files, function(facts, at)
      for _, one in ipairs(unity.orphans(facts)) do
        local name = one.asset:match "[^/]*$"
        if one.folder then
          at(one.path):info { "belongs to a folder that is not there", wanted = name .. "/",
            hint = "an empty folder, which git does not keep: delete both", fix = "remove" }
        else
          at(one.path):problem { "belongs to a file that is not there", wanted = name,
            hint = "commit the file as well, or delete its .meta file", fix = "remove" }
        end
      end
    end)
  end,
  fixes = { remove = { label = "delete the .meta file", safe = false,
    run = function(file) orch.fs.remove(file.path) end } },
}

check "unity.meta-broken" {
  title = "Every .meta file has a GUID",
  why = "Unity makes a new GUID, and all references to the asset break.",
  scope = "project",
  files = FILES,
  run = function(files)
    each_project(files, function(facts, at)
      for _, one in ipairs(unity.invalid(facts)) do
        at(one.path):problem { "%s", one.reason, wanted = "a line guid: and 32 digits",
          hint = "get it back from version control, or resolve the merge conflict in it" }
      end
    end)
  end,
}

check "unity.guid-duplicate" {
  title = "No two assets have the same GUID",
  why = "Unity gives one of them a new GUID, another one on each computer: references go astray.",
  scope = "project",
  files = FILES,
  run = function(files)
    each_project(files, function(facts, at)
      for _, twice in ipairs(unity.duplicates(facts)) do
        local others = {}
        for i = 2, #twice.paths do others[#others + 1] = at(twice.paths[i] .. ".meta") end
        at(twice.paths[1] .. ".meta"):problem {
          "has the same GUID as %s", plural(#others, "other .meta file"),
          found = twice.guid, wanted = "a GUID for each", related = others,
          hint = "copied outside of Unity? delete the copy's .meta file: Unity makes a new one",
        }
      end
    end)
  end,
}

check "unity.reference-broken" {
  title = "References lead to assets that are there",
  why = "In the game that is a missing script, a pink material, an empty slot.",
  scope = "project",
  files = FILES,
  run = function(files)
    each_project(files, function(facts, at)
      local doubtful, in_files, reason = 0, {}, nil
      for _, one in ipairs(unity.broken(facts)) do
        if one.certain then
          at(one.path):problem { "refers to an asset that is not there", line = one.line,
            found = ("GUID %s, %s"):format(one.guid, plural(one.count, "time")),
            pointer = one.guid,
            hint = "was it deleted, or forgotten in the commit? " .. one.reason }
        else
          doubtful, in_files[one.path], reason = doubtful + one.count, true, one.reason
        end
      end
      local count = 0
      for _ in pairs(in_files) do count = count + 1 end
      if count > 0 then
        at(VERSION):info { "%s in %s may lead nowhere", plural(doubtful, "reference"),
          plural(count, "file"), hint = reason }
      end
    end)
  end,
}

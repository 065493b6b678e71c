-- `orch version`: orch's own version and those of its libraries.

---@param words string[]
---@return integer exit_code
return function(words)
  local help = require "orch.cli.help"
  if words[1] == "-h" or words[1] == "--help" then
    io.stdout:write(help.text("version"))
    return 0
  elseif words[1] then
    return help.fail("'version' takes no arguments, but '" .. words[1]
      .. "' was given", nil, nil, "version")
  end
  local versions = require("orch.core.runtime").versions()
  versions.pcre2 = require("orch.core.scan").version()
  versions.sqlite = require("orch.core.sqlite").version()
  versions.openssl = require("orch.core.hash").version()
  versions.cjson = require("orch.core.json").version()
  versions.argparse = require("argparse").version
  local names = {}
  for name in pairs(versions) do
    if name ~= "orch" then names[#names + 1] = name end
  end
  table.sort(names)
  print("orch " .. versions.orch)
  for _, name in ipairs(names) do
    print(string.format("  %-8s %s", name, (versions[name]:gsub("^Lua ", ""))))
  end
  return 0
end

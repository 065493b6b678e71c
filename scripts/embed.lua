-- Writes the Lua library as one C file: embed.lua OUT FILE...
-- Compiled, with the lines that tracebacks need: to compile it again at every start takes
-- most of a start. What people may want to read (the rules that come with orch) stays text.
local out = assert(io.open(arg[1], "w"))

local function quoted(bytes)
  return (bytes:gsub('[%c"\\?\127-\255]', function(c)
    if c == "\n" then return '\\n"\n"' end
    return ("\\%03o"):format(c:byte())
  end))
end

-- Dumps are of this very Lua only: its version stands in front of them, and is compared.
local function content_of(name, text)
  if name:find "^check/rules/" then return text end
  return string.dump(assert(load(text, "=orch/" .. name .. ".lua", "t")))
end

out:write('/* Made by scripts/embed.lua from lua/orch. */\n#include "embedded.h"\n\n')
out:write("const struct embedded embedded_files[] = {\n")
for i = 2, #arg do
  local file = assert(io.open(arg[i], "rb"))
  local text = file:read("a")
  file:close()
  local name = arg[i]:match("lua/orch/(.+)%.lua$")
  if name ~= "init" then name = name:gsub("/init$", "") end
  local content = content_of(name, text)
  out:write(('{"%s", %d,\n"%s"},\n'):format(name, #content, quoted(content)))
end
out:write("{0, 0, 0}};\n")
assert(out:close())

-- What counts as an error, a warning or a build time in a log: the patterns (PCRE2,
-- upper and lower case alike) that build_logs.lua uses. Change them here.
--
--   local severity = require "severity"      -- in a script of the same folder
--
-- A line is an error when a tool calls it one, in the place where tools do that:
--
--   Assets/Player.cs(25,29): error CS0246: ...      ld.lld: error: ...
--   LogCook: Error: ...      [ERROR] ...            x.h(18) : fatal error C1083: ...
--
-- So "0 error(s)", "Errors: 0", make's "Error 1" and a path with "error" in it are
-- none. Every such line counts, also when a tool says the same thing twice.

local severity = {}

-- In (?x), blanks mean nothing, "\ " is a blank, and # begins a comment.
local line = [[(?x) ^
  (?= (?: \w+\  | .* [\]:)>] \ * )?   # "RunUAT ", "a.cs(25,29): ", "[module] "
      (?: (?: fatal\ )? WORD          # the word itself ...
          (?: \ [a-z]+\d* )? \ ?      # ... its code, as in "error CS0246" ...
          [:!] \ * \S                 # ... and what is wrong
        | \[WORD\] ) )                # Maven and many others: "[ERROR] "
  (?! \[Licensing                     # Unity tries several licence channels
    | .* \bLog\w+:\ Display: )        # Unreal lists its errors again at the end
]]
severity.error = line:gsub("WORD", "error")
severity.warning = line:gsub("WORD", "warning")

-- How long it took; \K makes the match begin with the time.
severity.time = [[(?x) ^ (?:
    Build\ completed\ with .* \ in    # Unity 2020 and later
  | \*{3}\ Completed\ '.*'\ in        # Unity 5
  | AutomationTool\ executed\ for     # Unreal
  | Execution\ of\ commandlet\ took:
  | BUILD\ [A-Z]+\ in                 # Gradle
  | \[INFO\]\ Total\ time:            # Maven
  | Time\ Elapsed                     # MSBuild
  ) \s+ \K \d [\w.:\ ]*
]]

return severity

--- The script of a check's page: other groups, another order, the search, and pictures to be
--- compared. It moves what stands in the page already; it makes no markup out of text.
---
---     local js = require "orch.check.report.html.script"

return "(() => {\n'use strict';\n" .. require "orch.check.report.html.script_list"
  .. require "orch.check.report.html.script_page" .. "})();\n"

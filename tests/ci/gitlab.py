"""As much of GitLab's API as our commands use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.ci.github import TOKEN, Hosted, _page

PROJECT = "7"


@dataclass
class HostedByGitLab(Hosted):
    bot = "project_7_bot"
    key = ("PRIVATE-TOKEN", TOKEN)

    @property
    def environment(self) -> dict[str, str]:
        return {"GITLAB_CI": "true", "CI_API_V4_URL": self.url, "CI_PROJECT_ID": PROJECT, "GITLAB_TOKEN": TOKEN}

    def answer(  # noqa: C901  # an arm for each call
        self, verb: str, path: str, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        if (verb, path) == ("GET", "/user"):
            return 200, {"username": self.bot}
        base = f"/projects/{PROJECT}"
        if not path.startswith(base):
            return 404, {"message": "404 Project Not Found"}
        match verb, path.removeprefix(base):
            case "GET", rest if found := re.fullmatch(r"/merge_requests/(\d+)/notes", rest):
                return 200, _page(self.comments.get(int(found[1]), []), query)
            case "POST", rest if found := re.fullmatch(r"/merge_requests/(\d+)/notes", rest):
                self.say(int(found[1]), self.bot, body["body"])
                return 201, {}
            case "PUT", rest if found := re.fullmatch(r"/merge_requests/(\d+)/notes/(\d+)", rest):
                (row,) = (row for row in self.comments[int(found[1])] if row["id"] == int(found[2]))
                row["body"] = body["body"]
                return 200, {}
            case "GET", rest if found := re.fullmatch(r"/repository/commits/([0-9a-f]+)/merge_requests", rest):
                rows = self.pulls_of.get(found[1], [])
                told = [{"iid": row["number"], "state": "merged" if row["merged_at"] else "opened"} for row in rows]
                return 200, _page(told, query)
            case "GET", "/issues":
                rows = [row for row in self.issues if row["author"]["username"] == query["author_username"]]
                opened = [row for row in rows if row["state"] == "open"] if query["state"] == "opened" else rows
                return 200, _page(opened, query)
            case "POST", "/issues":
                number = len(self.issues) + 1
                made = {"iid": number, "author": {"username": self.bot}, "state": "open", "body": body["description"]}
                self.issues.append({**made, **body})
                return 201, {}
            case "POST", rest if re.fullmatch(r"/issues/\d+/notes", rest):
                return 201, {}
            case "PUT", rest if found := re.fullmatch(r"/issues/(\d+)", rest):
                (row,) = (row for row in self.issues if row["iid"] == int(found[1]))
                row |= body
                row["body"] = row["description"]
                if body.get("state_event") == "close":
                    row["state"] = "closed"
                return 200, {}
        return 404, {"message": "404 Not Found"}

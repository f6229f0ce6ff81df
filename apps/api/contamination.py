"""Lists of test problems, against which exports are checked."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.parsers import MultiPartParser
from apps.core.http.uploads import check_upload, on_disk
from apps.exports.contamination import LONGEST_NAME, STATEMENTS, add_contamination_list
from apps.exports.models import ContaminationList


class ContaminationListSerializer(serializers.ModelSerializer[ContaminationList]):
    class Meta:
        model = ContaminationList
        fields = ["name", "sha256", "problems", "created_at"]


class NewContaminationListSerializer(serializers.Serializer[ContaminationList]):
    file = serializers.FileField(
        help_text="One problem in each line of a text, or JSON Lines, a JSON array or Parquet, also compressed, with one "
        f"of the columns {', '.join(STATEMENTS)}."
    )
    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, help_text="What policies call it; by default the name of the file."
    )


class ContaminationLists(APIView):
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="contamination_lists", responses=ContaminationListSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The project's lists of test problems."""
        project = project_of(request, slug, "export")
        lists = ContaminationList.objects.filter(project=project).defer("hashes")
        return Response(ContaminationListSerializer(lists, many=True).data)

    @extend_schema(
        request={"multipart/form-data": NewContaminationListSerializer}, responses={201: ContaminationListSerializer}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Add a list of test problems, which the policy key `contamination` can name. Only hashes of them are kept."""
        project = project_of(request, slug, "export")
        serializer = NewContaminationListSerializer(data=request.data)
        check_upload(request.META)
        serializer.is_valid(raise_exception=True)
        file = serializer.validated_data["file"]
        with on_disk(file) as path:
            added = add_contamination_list(
                project=project,
                path=path,
                name=serializer.validated_data.get("name") or file.name,
                added_by=user_of(request),
            )
        return Response(ContaminationListSerializer(added).data, status=201)
